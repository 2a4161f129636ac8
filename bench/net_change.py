"""How long a plan of what has changed takes beside a plan of all, through a real stack.

30,000 item-locations, 26 weeks, 9 quantiles, minimum lots and multiples, put straight into the databases. The area is
planned as a whole; then the stock of 100 is told anew, and a net change and a what-if on 100 others are planned.
Seconds are those from the job's start to its end: forecast read through the gateway, planned, filed.
"""

import argparse
import contextlib
import datetime
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np

from bench.report import Goal, report
from bench.stack import Stack, started
from services.forecast.forecasts.tables import Forecast
from services.forecast.models.tables import ModelVersion  # noqa: F401  a forecast's table refers to it
from shared.db import Database, psycopg_connection

SERIES, PERIODS, CHANGED = 30_000, 26, 100
LEVELS = (0.05, 0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9, 0.95)
MONDAY = datetime.date(2026, 1, 5)
AREA = "bench"
PROFILE = {"area": AREA, "frequency": "W", "currency": "USD", "time_zone": "UTC"}
HOME = f"/v1/areas/{AREA}"
PATIENCE_MS = 600_000
GOALS = (Goal("net_change_seconds", "at_most", 5.0), Goal("taken_over_share", "at_least", 0.99))


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--series", type=int, default=SERIES)
    count = asked.parse_args().series
    with tempfile.TemporaryDirectory() as place, started(Path(place, "data")) as stack:
        stack.call("POST", "/v1/areas", json.dumps(PROFILE).encode())
        forecast = _fill(stack, count)
        spent = [_processor(stack)]
        whole = _plan(stack, forecast=str(forecast))
        spent.append(_processor(stack))
        stock = [{"item": _item(n), "location": "L", "as_of": MONDAY.isoformat(), "on_hand": 7} for n in range(CHANGED)]
        stack.call("POST", f"{HOME}/inventory", json.dumps(stock).encode())
        changed = _plan(stack, forecast=str(forecast), net_change=True)
        spent.append(_processor(stack))
        delta = {"kind": "lead_time", "source": "S1", "add": 1}
        stack.call("PUT", f"{HOME}/scenarios/late", json.dumps({"deltas": [delta]}).encode())
        what_if = _plan(stack, forecast=str(forecast), scenario="late")
    return report(
        {
            "item_locations": count,
            "whole_seconds": _seconds(whole),
            "net_change_seconds": _seconds(changed),
            "what_if_seconds": _seconds(what_if),
            "whole_worker_processor_seconds": round(spent[1] - spent[0], 1),
            "net_change_worker_processor_seconds": round(spent[2] - spent[1], 1),
            "taken_over": changed["taken_over"],
            "taken_over_share": changed["taken_over"] / count,
            "what_if_taken_over": what_if["taken_over"],
        },
        GOALS,
    )


def _plan(stack: Stack, **wish: Any) -> dict[str, Any]:
    run = stack.call("POST", f"{HOME}/plans", json.dumps(wish).encode())
    while run["status"] not in {"succeeded", "failed", "cancelled"}:
        time.sleep(0.2)
        run = stack.call("GET", f"{HOME}/plans/{run['id']}", Prefer="wait=20")
    if run["status"] != "succeeded":
        raise RuntimeError(f"the plan {run['status']}: {run['error']}")
    return dict(run)


def _seconds(run: dict[str, Any]) -> float:
    began, ended = (datetime.datetime.fromisoformat(run[name]) for name in ("started_at", "finished_at"))
    return round((ended - began).total_seconds(), 1)


def _processor(stack: Stack) -> float:
    """Seconds that the planner's worker has computed so far: what others do on the machine is not in them."""
    fields = Path(f"/proc/{stack.process('planner', 'work').pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _item(number: int) -> str:
    return f"item-{number:05d}"


def _fill(stack: Stack, count: int) -> UUID:
    """A forecast from elsewhere, and for every item-location of it stock and a rule; each hundredth's source is S1."""
    numbers = np.random.default_rng(7)
    with contextlib.closing(_Connected(stack, "forecast")) as forecasts:
        name = forecasts.forecast(numbers, count)
    lots = numbers.integers(1, 12, count)
    with contextlib.closing(_Connected(stack, "planner")) as planner:
        mean = numbers.gamma(2, 20, count)
        stock = ((AREA, _item(n), "L", MONDAY, float(round(mean[n] * 2)), 0.0) for n in range(count))
        planner.copy("inventory", ("area", "item", "location", "as_of", "on_hand", "reserved"), stock)
        names = (
            "area",
            "item",
            "location",
            "mode",
            "source",
            "lead_time",
            "moq",
            "multiple",
            "unit_cost",
            "order_cost",
        )
        rules = (
            (AREA, _item(n), "L", "buy", f"S{n % 300 + 1}", int(n % 4), float(lots[n] * 6), float(lots[n]), 4, 5)
            for n in range(count)
        )
        planner.copy("sourcing_rules", names, rules)
        policy = ((AREA, 3.0, "lost", 1),)
        planner.copy("planning_policies", ("area", "shortage_cost", "shortage_mode", "review_period"), policy)
    return name


class _Connected:
    """A service's database, filled past its API."""

    def __init__(self, stack: Stack, service: str) -> None:
        self._database = Database(
            stack.process(service, "serve").environment["ACCORD_DATABASE_URL"],
            statement_timeout_ms=PATIENCE_MS,
        )

    def close(self) -> None:
        self._database.dispose()

    def copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
        with (
            self._database.write() as session,
            psycopg_connection(session).cursor() as cursor,
            cursor.copy(statement) as stream,
        ):
            for row in rows:
                stream.write_row(row)

    def forecast(self, numbers: np.random.Generator, count: int) -> UUID:
        periods = [MONDAY + datetime.timedelta(weeks=week) for week in range(PERIODS)]
        described = {"area": AREA, "status": "succeeded", "source": "external", "name": "bench", "seed": 0}
        described |= {"origin": MONDAY - datetime.timedelta(weeks=1), "horizon": PERIODS, "series_count": count}
        with self._database.write() as session:
            run = Forecast(**described, periods=periods, quantiles=list(LEVELS), requested_by="bench")
            session.add(run)
            session.flush()
            name = run.id
        mean = numbers.gamma(2, 20, (count, 1)) * numbers.uniform(0.6, 1.4, (count, PERIODS))
        spread = 1 + 0.5 * (np.array(LEVELS) - 0.5) * 2
        rows = (
            (name, _item(n), "L", mean[n].tolist(), np.outer(mean[n], spread).ravel().tolist(), 0.2)
            for n in range(count)
        )
        columns = ("forecast_id", "item", "location", "mean", "quantiles", "dependence")
        self.copy("forecast_series", columns, rows)
        return name


if __name__ == "__main__":
    sys.exit(main())
