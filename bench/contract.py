"""What the published document promises, held against a running stack by generated calls (schemathesis).

Calls that fit the document and calls that do not, one by one and in chains in which an answer's ids go into the next
call, are sent with the administrator's key to an area that has something in every table. Every check of schemathesis
judges the answers. No answer may be a server error, or have a status, a field or a kind of content that is not
published. What a document cannot say is counted beside that and has no goal: a call that fits it and is refused all the
same (a `from` after `to`), and one that does not and is taken to be judged later, as rows of an import are.
"""

import argparse
import datetime
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.report import Goal, report
from bench.stack import Stack, started
from services.embedded.environment import HOST
from services.gateway.contract import PUBLISHED

SECONDS = 1200
SEED = 1
AREA = "bench"
PROFILE = {"area": AREA, "frequency": "W", "currency": "USD", "time_zone": "UTC", "horizon": 4}
HOME = f"/v1/areas/{AREA}"
WEEKS, PERIODS = 30, 8
FIRST = datetime.date(2024, 1, 1)
SERVER_ERRORS = {"ServerError", "ContentTypeServerError"}
LENIENT = {"AcceptedNegativeData"}
SEMANTIC = {"RejectedPositiveData"}
GOALS = (
    Goal("cases", "at_least", 50_000),
    Goal("operations_not_called", "at_most", 0),
    Goal("server_errors", "at_most", 0),
    Goal("unpublished", "at_most", 0),
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.contract", description=__doc__)
    parser.add_argument("--seconds", type=int, default=SECONDS)
    parser.add_argument("--seed", type=int, default=SEED)
    wish = parser.parse_args()
    with tempfile.TemporaryDirectory() as place, started(Path(place, "data")) as stack:
        found = _told(stack, _prepared(stack), wish.seconds, wish.seed)
    for failure in found["failures"]:
        if failure["type"] not in LENIENT | SEMANTIC:
            print(failure["title"], *failure["operations"], sep="\n  ", file=sys.stderr)
    counts = {failure["type"]: failure["count"] for failure in found["failures"]}
    figures = {
        "seed": wish.seed,
        "cases": found["test_cases"]["generated"],
        "operations": found["operations"]["total"],
        "operations_not_called": found["operations"]["total"] - found["operations"]["tested"],
        "server_errors": sum(counts.get(kind, 0) for kind in SERVER_ERRORS),
        "unpublished": sum(count for kind, count in counts.items() if kind not in SERVER_ERRORS | LENIENT | SEMANTIC),
        "refused_though_it_fits": sum(counts.get(kind, 0) for kind in SEMANTIC),
        "taken_though_it_does_not": sum(counts.get(kind, 0) for kind in LENIENT),
    }
    return report(figures, GOALS)


def _told(stack: Stack, names: Mapping[str, str], seconds: int, seed: int) -> dict[str, Any]:
    """The report of a run. names: what placeholders of paths stand for."""
    with tempfile.TemporaryDirectory() as place:
        settings, told = Path(place, "settings.toml"), Path(place, "report.json")
        lines = [f'"path.{name}" = {json.dumps(value)}' for name, value in names.items()]
        settings.write_text("\n".join(["[parameters]", *lines, ""]))
        words = ["--url", f"http://{HOST}:{stack.port}", "--header", f"Authorization: Bearer {stack.key}"]
        words += ["--max-time", str(seconds), "--seed", str(seed), "--generation-database", "none"]
        words += ["--continue-on-failure", "--report", "json", "--report-json-path", str(told)]
        command = [str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(settings), "run"]
        subprocess.run([*command, str(PUBLISHED), *words], cwd=place, stdout=subprocess.DEVNULL, check=False)
        found: dict[str, Any] = json.loads(told.read_text())
        return found


def _prepared(stack: Stack) -> dict[str, str]:
    """An area with a version of a model and a plan's recommendations, and the names of what is in it."""
    stack.call("POST", "/v1/areas", json.dumps(PROFILE).encode())
    weeks = [str(FIRST + datetime.timedelta(weeks=number)) for number in range(WEEKS + PERIODS)]
    known, ahead = weeks[:WEEKS], weeks[WEEKS:]
    place = {"item": "A", "location": "L"}
    _put(stack, "PUT", "items", [{"item": "A", "unit_cost": "10.00"}])
    _put(stack, "PUT", "locations", [{"location": "L"}])
    _put(stack, "POST", "demand", [place | {"period": week, "quantity": 40 + at % 7} for at, week in enumerate(known)])
    _put(stack, "POST", "inventory", [place | {"as_of": ahead[0], "on_hand": 60}])
    rule = {"mode": "buy", "source": "S", "lead_time": 1, "moq": 20, "multiple": 10, "unit_cost": "10.00"}
    _put(stack, "PUT", "supply/sourcing-rules", [place | rule])
    _put(stack, "PUT", "supply/planning-policies", [{"shortage_cost": "4.00", "review_period": 1}])
    _put(stack, "PUT", "drivers/price", {"kind": "price", "known_ahead": True, "scope": "item-location"})
    _put(stack, "POST", "external-forecasts?name=base", [place | {"period": week, "mean": 50} for week in ahead])
    forecast = stack.call("GET", f"{HOME}/forecasts?source=external")["items"][0]["id"]
    _succeeded(stack, "plans", {"forecast": forecast})
    _succeeded(stack, "training-runs", {"reason": "first"})
    recommendation = stack.call("GET", f"{HOME}/recommendations")["items"][0]["id"]
    return {"area": AREA, "driver": "price", "version": "1", "recommendation": recommendation}


def _put(stack: Stack, method: str, path: str, body: Any) -> None:
    stack.call(method, f"{HOME}/{path}", json.dumps(body).encode())


def _succeeded(stack: Stack, path: str, wish: dict[str, Any]) -> None:
    run = stack.call("POST", f"{HOME}/{path}", json.dumps(wish).encode())
    while run["status"] not in {"succeeded", "failed", "cancelled"}:
        run = stack.call("GET", f"{HOME}/{path}/{run['id']}", Prefer="wait=20")
    if run["status"] != "succeeded":
        raise RuntimeError(f"{path} {run['status']}: {run['error']}")


if __name__ == "__main__":
    sys.exit(main())
