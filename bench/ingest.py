"""How fast a million demand rows, and ten, become visible, and what the worker that takes them in holds.

A Parquet file of 10,000 item-locations and 100 weeks goes through the gateway of a real stack into a new area: fresh,
then with every quantity changed, then once more as it is. Then ten such files, of other items, into one area.
"""

import datetime
import io
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.report import Goal, report
from bench.stack import KIBIBYTES, PAUSE_SECONDS, Stack, started
from shared.media import PARQUET

ITEMS, WEEKS = 10_000, 100
ROWS = ITEMS * WEEKS
BODIES = 10
ROUNDS = 3
PEAK = "worker_peak_mib"
MONDAY = datetime.date(2024, 1, 1)

RATES = {
    "fresh_rows_per_second": 100_000,
    "fresh_rows_per_second_in_the_job": 200_000,
    "changed_rows_per_second_in_the_job": 120_000,
}
GOALS = (
    *(Goal(name + at, "at_least", bound) for name, bound in RATES.items() for at in ("", "_of_ten_million")),
    Goal(PEAK, "at_most", 1024),
    Goal("worker_growth_mib", "at_most", 64),
)


def main() -> int:
    with tempfile.TemporaryDirectory() as place, started(Path(place, "data")) as stack:
        rounds = [_round(stack, f"bench-{number}", 1) for number in range(ROUNDS)]
        large = _round(stack, "bench-large", BODIES)
    figures = {name: round(statistics.median(found[name] for found in rounds)) for name in rounds[0] if name != PEAK}
    figures |= {f"{name}_of_ten_million": round(rate) for name, rate in large.items() if name != PEAK}
    peak = max(found[PEAK] for found in rounds)
    figures |= {PEAK: round(max(peak, large[PEAK])), "worker_growth_mib": round(large[PEAK] - peak)}
    return report(figures | {"rows": ROWS, "file_mib": round(len(_file(0, 0)) / KIBIBYTES**2, 1)}, GOALS)


def _round(stack: Stack, area: str, bodies: int) -> dict[str, float]:
    """One new area: as many bodies as asked for fresh, changed and replayed."""
    profile = {"area": area, "frequency": "W", "currency": "USD", "time_zone": "UTC"}
    worker = stack.process("forecast", "work")
    stack.call("POST", "/v1/areas", json.dumps(profile).encode())
    master = json.dumps([{"item": name} for body in range(bodies) for name in _names(body)]).encode()
    _finish(stack, area, stack.call("PUT", f"/v1/areas/{area}/items", master))
    stack.call("PUT", f"/v1/areas/{area}/locations", b'[{"location": "L1"}]')
    worker.forget_peak()
    figures: dict[str, float] = {}
    expected = {"fresh": (0, "created"), "changed": (1, "updated"), "replayed": (1, "unchanged")}
    for name, (more, count) in expected.items():
        waited = worked = 0.0
        for body in range(bodies):
            seconds, run = _import(stack, area, body, more)
            if run[count] != ROWS:
                raise RuntimeError(f"{run[count]} of {ROWS} rows {count}")
            begun, ended = (datetime.datetime.fromisoformat(run[when]) for when in ("started_at", "finished_at"))
            waited, worked = waited + seconds, worked + (ended - begun).total_seconds()
        figures[f"{name}_rows_per_second"] = bodies * ROWS / waited
        figures[f"{name}_rows_per_second_in_the_job"] = bodies * ROWS / worked
    return figures | {PEAK: worker.peak_mib()}


def _import(stack: Stack, area: str, body: int, more: int) -> tuple[float, dict[str, Any]]:
    """Seconds from the first byte sent until the rows are seen, and the import."""
    file = _file(body, more)
    began = time.perf_counter()
    run = _finish(stack, area, stack.call("POST", f"/v1/areas/{area}/demand", file, PARQUET))
    [row] = stack.call("GET", f"/v1/areas/{area}/demand?item={_names(body)[-1]}&limit=1")["items"]
    seconds = time.perf_counter() - began
    if row["quantity"] != _quantities(more)[-WEEKS]:
        raise RuntimeError(f"the row that was sent is not the one that is seen: {row}")
    return seconds, run


def _finish(stack: Stack, area: str, run: dict[str, Any]) -> dict[str, Any]:
    """The import once it is over."""
    while run["status"] in {"queued", "running"}:
        time.sleep(PAUSE_SECONDS)
        run = stack.call("GET", f"/v1/areas/{area}/imports/{run['id']}")
    if run["status"] != "succeeded":
        raise RuntimeError(f"the import {run['status']}: {run['error']}")
    return run


def _names(body: int) -> list[str]:
    return [f"item-{number:06}" for number in range(body * ITEMS, (body + 1) * ITEMS)]


def _file(body: int, more: int) -> bytes:
    days = np.datetime64(MONDAY, "D") + 7 * np.arange(WEEKS).astype("timedelta64[D]")
    table = pa.table(
        {
            "item": pa.array(np.repeat(_names(body), WEEKS)),
            "location": pa.array(["L1"] * ROWS),
            "period": pa.array(np.tile(days, ITEMS)),
            "quantity": pa.array(_quantities(more)),
        }
    )
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def _quantities(more: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.random.default_rng(7).gamma(2, 20, ROWS).round(3) + more


if __name__ == "__main__":
    sys.exit(main())
