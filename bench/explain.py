"""How long a planner waits for an explanation, through the gateway.

A real stack forecasts 120 item-locations daily, four weeks ahead, from two years with prices and promotions. Measured
are the first explanation, for which a process must start and read its part of the data; the first of another category;
and those of items whose rivals were read before, with and without what changed since the forecast before. Processor
time is that of all processes of the stack. The model has learned from the first 90 days, which is soon done and gives
trees of the same number and size.
"""

import datetime
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench.report import Goal, report
from bench.stack import Stack, started

ITEMS, CATEGORIES, DAYS, HORIZON = 120, 3, 730, 28
LEARNED_DAYS = 90
ROUNDS = 36
PAUSE_SECONDS = 0.5
BEGIN = datetime.date(2023, 1, 2)
PROFILE = {"area": "bench", "frequency": "D", "currency": "USD", "time_zone": "UTC", "horizon": HORIZON}
AREA = "/v1/areas/bench"
DRIVERS = {"price": "price", "deal": "promotion"}

GOALS = (Goal("explanation_ms", "at_most", 50),)


def main() -> int:
    with tempfile.TemporaryDirectory() as place, started(Path(place, "data")) as stack:
        stack.call("POST", "/v1/areas", json.dumps(PROFILE).encode())
        later = _load(stack)
        _run(stack, "training-runs", {"reason": "bench"})
        _promote(stack)
        _table(stack, "demand", "quantity", later, LEARNED_DAYS)
        _run(stack, "forecasts", {"origin": _day(DAYS - 8)})
        newest = _run(stack, "forecasts", {})
        path = f"{AREA}/forecasts/{newest}/explanation?location=L1&item="
        figures = {"first_ms": _timed(stack, path + _item(0)), "first_of_a_category_ms": _timed(stack, path + _item(1))}
        before = stack.processor_seconds()
        figures["explanation_ms"] = _median(stack, path)
        figures["explanation_processor_ms"] = (stack.processor_seconds() - before) * 1000 / ROUNDS
        stack.call("GET", path + _item(0) + "&since=previous")
        figures["with_change_ms"] = _median(stack, path, "&since=previous")
    return report({name: round(value, 1) for name, value in figures.items()}, GOALS)


def _median(stack: Stack, path: str, more: str = "") -> float:
    """Over items of the first category, each asked for once."""
    return statistics.median(_timed(stack, path + _item(number * CATEGORIES) + more) for number in range(1, ROUNDS + 1))


def _timed(stack: Stack, path: str) -> float:
    began = time.perf_counter()
    stack.call("GET", path)
    return (time.perf_counter() - began) * 1000


def _load(stack: Stack) -> Any:
    """Demand with a weekly season that answers to price and promotion, both known ahead; returns what comes later."""
    rng = np.random.default_rng(7)
    days = np.arange(DAYS + HORIZON)
    price = np.where(rng.random((ITEMS, len(days))) < 0.15, 4.0, 5.0)
    deal = (rng.random((ITEMS, len(days))) < 0.1).astype(float)
    level = rng.uniform(5, 60, (ITEMS, 1)) * (1 + 0.4 * np.sin(days * 2 * np.pi / 7))
    sold = rng.poisson(level * (5 / price) ** 2 * (1 + deal))[:, :DAYS]
    items = [{"item": _item(number), "category": f"C{number % CATEGORIES}"} for number in range(ITEMS)]
    stack.call("PUT", f"{AREA}/items", json.dumps(items).encode())
    stack.call("PUT", f"{AREA}/locations", b'[{"location": "L1"}]')
    _table(stack, "demand", "quantity", sold[:, :LEARNED_DAYS])
    for (name, kind), values in zip(DRIVERS.items(), (price, deal), strict=True):
        wish = {"kind": kind, "known_ahead": True, "scope": "item-location"}
        stack.call("PUT", f"{AREA}/drivers/{name}", json.dumps(wish).encode())
        _table(stack, f"drivers/{name}/values", "value", values)
    return sold[:, LEARNED_DAYS:]


def _table(stack: Stack, path: str, column: str, values: Any, first: int = 0) -> None:
    lines = [f"item,location,period,{column}"]
    lines += [f"{_item(row)},L1,{_day(first + day)},{value:g}" for (row, day), value in np.ndenumerate(values)]
    _finish(stack, "imports", stack.call("POST", f"{AREA}/{path}", "\n".join(lines).encode(), "text/csv")["id"])


def _run(stack: Stack, kind: str, wish: dict[str, Any]) -> str:
    run: str = stack.call("POST", f"{AREA}/{kind}", json.dumps(wish).encode())["id"]
    _finish(stack, kind, run)
    return run


def _finish(stack: Stack, kind: str, run: str) -> None:
    while (found := stack.call("GET", f"{AREA}/{kind}/{run}"))["status"] in {"queued", "running"}:
        time.sleep(PAUSE_SECONDS)
    if found["status"] != "succeeded":
        raise RuntimeError(f"{kind}/{run} ended as {found['status']}: {found['error']}")


def _promote(stack: Stack) -> None:
    body = json.dumps({"version": 1, "reason": "bench"}).encode()
    stack.call("POST", f"{AREA}/models/promotions", body, **{"If-Match": '"0"'})


def _item(number: int) -> str:
    return f"I{number:03d}"


def _day(number: int) -> str:
    return (BEGIN + datetime.timedelta(days=number)).isoformat()


if __name__ == "__main__":
    sys.exit(main())
