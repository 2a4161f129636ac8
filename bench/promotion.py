"""Two hundred promotions, each rolled back, while others read: what fails, and when every process shows the champion.

The stack is the real one, with a second API process of the forecast service beside it. Two versions of a small area
take turns. A change is visible everywhere once the gateway and that second process, which is asked as the gateway
would ask it, both name the new promotion; its time begins before the call. Readers ask for the champion, its versions
and a forecast's values all the while, and any answer but 200 counts as failed. Now and then a forecast is asked for and
waited for: it must name the champion of that moment and hold that version's numbers, and the time from the call that
changed the champion until the forecast is there is how soon a worker uses it.
"""

import contextlib
import datetime
import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from bench.report import Goal, report
from bench.stack import Stack, await_answer, free_port, started
from services.embedded.environment import HOST
from shared.principal import HEADER, Area, Principal, Signer

ROUNDS, READERS, WEEKS, ASKED_EVERY = 200, 4, 110, 20
FIRST, SECOND = 1, 2  # versions
LENIENT = {"least_improvement": -0.9, "segment_worse_by": 10, "most_bias": 1, "coverage_within": 0.9}
AREA = "bench"
PROFILE = {"area": AREA, "frequency": "W", "currency": "USD", "time_zone": "UTC", "horizon": 4}
HOME = f"/v1/areas/{AREA}"
PATIENCE_SECONDS, PAUSE_SECONDS = 60.0, 0.001
GOALS = (
    Goal("failed_requests", "at_most", 0),
    Goal("forecasts_of_another_version", "at_most", 0),
    Goal("visible_p99_s", "at_most", 5),
    Goal("used_by_worker_most_s", "at_most", 5),
    Goal("rollback_p99_s", "at_most", 2),
)


@dataclass
class Readers:
    """Threads that read until told to stop."""

    stack: Stack
    paths: Sequence[str]
    count: int = 0
    failed: int = 0
    _over: threading.Event = field(default_factory=threading.Event)

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        threads = [threading.Thread(target=self._read, args=(number,)) for number in range(READERS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in threads:
                thread.join()

    def _read(self, number: int) -> None:
        while not self._over.is_set():
            path = self.paths[(number + self.count) % len(self.paths)]
            try:
                self.stack.call("GET", path)
            except (RuntimeError, OSError, http.client.HTTPException) as error:
                print(error, file=sys.stderr)
                self.failed += 1
            self.count += 1


def main() -> int:
    with (
        tempfile.TemporaryDirectory() as place,
        started(Path(place, "data")) as stack,
        _second(stack) as second,
    ):
        digests = prepared(stack)
        values = f"{HOME}/forecasts/latest/values?limit=100"
        readers = Readers(stack, (f"{HOME}/models/champion", values, f"{HOME}/models/versions/2"))
        with readers.reading():
            promoted, returned, used, wrong = _turns(stack, second, digests)
    return report(
        {
            "promotions": len(promoted),
            "rollbacks": len(returned),
            "reads": readers.count,
            "failed_requests": readers.failed,
            "forecasts_of_another_version": wrong,
            "visible_p50_s": round(statistics.median(promoted), 4),
            "visible_p99_s": round(p99(promoted), 4),
            "used_by_worker_p50_s": round(statistics.median(used), 4),
            "used_by_worker_most_s": round(max(used), 4),
            "rollback_p50_s": round(statistics.median(returned), 4),
            "rollback_p99_s": round(p99(returned), 4),
        },
        GOALS,
    )


def _turns(
    stack: Stack, second: Callable[[], int], digests: Mapping[int, str]
) -> tuple[list[float], list[float], list[float], int]:
    """Seconds until each promotion and rollback was visible everywhere, until a worker had forecast, wrong forecasts.

    digests: of the forecast by each version.
    """
    promoted: list[float] = []
    returned: list[float] = []
    used: list[float] = []
    wrong, sequence = 0, 1
    for number in range(ROUNDS):
        for version, found in ((SECOND, promoted), (FIRST, returned)):
            began = time.monotonic()
            sequence = change(stack, version, sequence)
            await_true(partial(_shown_everywhere, stack, second, sequence), "a promotion to be visible")
            found.append(time.monotonic() - began)
            if number % ASKED_EVERY == 0:
                made = succeeded(stack, "forecasts", {})
                used.append(time.monotonic() - began)
                wrong += (made["model_version"], made["output_digest"]) != (version, digests[version])
    return promoted, returned, used, wrong


def change(stack: Stack, version: int, sequence: int) -> int:
    """Promote the second version, or return to the first; gives the sequence that follows."""
    path, wish = ("promotions", {"version": SECOND}) if version == SECOND else ("rollbacks", {})
    body = json.dumps({"reason": "bench", **wish}).encode()
    stack.call("POST", f"{HOME}/models/{path}", body, **{"If-Match": f'"{sequence}"'})
    return sequence + 1


def _shown_everywhere(stack: Stack, second: Callable[[], int], sequence: int) -> bool:
    return _shown(stack) == second() == sequence


def _shown(stack: Stack) -> int:
    return int(stack.call("GET", f"{HOME}/models/champion")["promotion"]["sequence"])


@contextlib.contextmanager
def _second(stack: Stack) -> Iterator[Callable[[], int]]:
    """A second API process of the forecast service; gives the sequence of the promotion that it shows."""
    first, port = stack.process("forecast", "serve"), free_port()
    signer = Signer("forecast", first.environment["ACCORD_IDENTITY_SECRET"])
    area = Area(AREA, "W", 52, 4, (0.1, 0.5, 0.9), "USD", "UTC", 1, Decimal(0), Decimal(1))
    who, path = Principal("bench", "bench", frozenset({"viewer"}), area), f"{HOME}/models/champion"

    def shown() -> int:
        connection = http.client.HTTPConnection(HOST, port, timeout=30)
        with contextlib.closing(connection):
            connection.request("GET", path, headers={HEADER: signer.sign(who, "GET", path)})
            return int(json.loads(connection.getresponse().read())["promotion"]["sequence"])

    command = [sys.executable, "-m", "services.forecast", "serve", "--port", str(port)]
    with subprocess.Popen(command, env=first.environment) as process:
        try:
            await_answer(port)
            yield shown
        finally:
            process.terminate()


def prepared(stack: Stack) -> dict[int, str]:
    """An area with a champion and another version that may follow it; the digest of each one's forecast."""
    stack.call("POST", "/v1/areas", json.dumps(PROFILE).encode())
    first = datetime.date(2024, 1, 1)
    rows = [
        {
            "item": item,
            "location": "L",
            "period": str(first + datetime.timedelta(weeks=week)),
            "quantity": 40 + week * number % 7,
        }
        for number, item in enumerate("ABCD", 3)
        for week in range(WEEKS)
    ]
    stack.call("PUT", f"{HOME}/items", json.dumps([{"item": item} for item in "ABCD"]).encode())
    stack.call("PUT", f"{HOME}/locations", json.dumps([{"location": "L"}]).encode())
    stack.call("POST", f"{HOME}/demand", json.dumps(rows).encode())
    succeeded(stack, "training-runs", {"reason": "first"})
    wish = json.dumps({"version": FIRST, "reason": "first"}).encode()
    stack.call("POST", f"{HOME}/models/promotions", wish, **{"If-Match": '"0"'})
    rules = json.dumps(LENIENT).encode()
    stack.call("PUT", f"{HOME}/models/promotion-rules", rules, **{"If-Match": '"0"'})
    succeeded(stack, "training-runs", {"reason": "second", "parameters": {"seed": 11}})
    made = {version: succeeded(stack, "forecasts", {"model": version}) for version in (FIRST, SECOND)}
    return {version: str(forecast["output_digest"]) for version, forecast in made.items()}


def succeeded(stack: Stack, path: str, wish: dict[str, Any]) -> dict[str, Any]:
    run = stack.call("POST", f"{HOME}/{path}", json.dumps(wish).encode())
    while run["status"] not in {"succeeded", "failed", "cancelled"}:
        run = stack.call("GET", f"{HOME}/{path}/{run['id']}", Prefer="wait=20")
    if run["status"] != "succeeded":
        raise RuntimeError(f"{path} {run['status']}: {run['error']}")
    return dict(run)


def await_true(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited in vain for {what}")
        time.sleep(PAUSE_SECONDS)


def p99(seconds: Sequence[float]) -> float:
    return statistics.quantiles(seconds, n=100)[98]


if __name__ == "__main__":
    sys.exit(main())
