"""How fast a million demand rows become visible, and what the worker that takes them in holds.

A Parquet file of 10,000 item-locations and 100 weeks goes through the gateway of a real stack into a new area: fresh,
then with every quantity changed, then once more as it is.
"""

import contextlib
import datetime
import http.client
import io
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.report import Goal, report
from bench.start import KIBIBYTES, await_ready, children, free_port
from services.embedded.directory import DataDirectory
from shared.media import PARQUET

ITEMS, WEEKS = 10_000, 100
ROWS = ITEMS * WEEKS
ROUNDS = 3
MONDAY = datetime.date(2024, 1, 1)
POLL_SECONDS = 0.05
STOP_SECONDS = 30
HOST = "127.0.0.1"

GOALS = (
    Goal("fresh_rows_per_second", "at_least", 100_000),
    Goal("fresh_rows_per_second_in_the_job", "at_least", 200_000),
    Goal("changed_rows_per_second_in_the_job", "at_least", 120_000),
    Goal("worker_peak_mib", "at_most", 1024),
)


@dataclass(frozen=True)
class Stack:
    """A running stack. worker: the process that takes imports in."""

    port: int
    key: str
    worker: int

    def call(self, method: str, path: str, body: bytes | None = None, media: str = "application/json") -> Any:
        """The JSON of an answer that is no problem."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=120)
        with contextlib.closing(connection):
            headers = {"Authorization": f"Bearer {self.key}", "Content-Type": media}
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
        if answer.status >= http.HTTPStatus.BAD_REQUEST:
            raise RuntimeError(f"{method} {path} answered {answer.status}: {content[:500]!r}")
        return json.loads(content)

    def finish(self, area: str, run: dict[str, Any]) -> dict[str, Any]:
        """The import once it is over."""
        while run["status"] in {"queued", "running"}:
            time.sleep(POLL_SECONDS)
            run = self.call("GET", f"/v1/areas/{area}/imports/{run['id']}")
        if run["status"] != "succeeded":
            raise RuntimeError(f"the import {run['status']}: {run['error']}")
        return run

    def forget_peak(self) -> None:
        Path(f"/proc/{self.worker}/clear_refs").write_text("5")  # the peak begins anew: proc_pid_clear_refs(5)

    def peak_mib(self) -> float:
        lines = Path(f"/proc/{self.worker}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / KIBIBYTES


def main() -> int:
    with tempfile.TemporaryDirectory() as place, _started(Path(place, "data")) as stack:
        rounds = [_round(stack, f"bench-{number}") for number in range(ROUNDS)]
    names = [name for name in rounds[0] if name != "worker_peak_mib"]
    figures = {name: round(statistics.median(found[name] for found in rounds)) for name in names}
    figures["worker_peak_mib"] = round(max(found["worker_peak_mib"] for found in rounds))
    return report(figures | {"rows": ROWS, "file_mib": round(len(_file(0)) / KIBIBYTES**2, 1)}, GOALS)


def _round(stack: Stack, area: str) -> dict[str, float]:
    """One new area: the file fresh, changed and replayed."""
    profile = {"area": area, "frequency": "W", "currency": "USD", "time_zone": "UTC"}
    stack.call("POST", "/v1/areas", json.dumps(profile).encode())
    items = json.dumps([{"item": f"item-{number:05}"} for number in range(ITEMS)]).encode()
    stack.finish(area, stack.call("PUT", f"/v1/areas/{area}/items", items))
    stack.call("PUT", f"/v1/areas/{area}/locations", b'[{"location": "L1"}]')
    stack.forget_peak()
    figures: dict[str, float] = {}
    expected = {"fresh": (0, "created"), "changed": (1, "updated"), "replayed": (1, "unchanged")}
    for name, (more, count) in expected.items():
        seconds, run = _import(stack, area, more)
        if run[count] != ROWS:
            raise RuntimeError(f"{run[count]} of {ROWS} rows {count}")
        begun, ended = (datetime.datetime.fromisoformat(run[when]) for when in ("started_at", "finished_at"))
        figures[f"{name}_rows_per_second"] = ROWS / seconds
        figures[f"{name}_rows_per_second_in_the_job"] = ROWS / (ended - begun).total_seconds()
    return figures | {"worker_peak_mib": stack.peak_mib()}


def _import(stack: Stack, area: str, more: int) -> tuple[float, dict[str, Any]]:
    """Seconds from the first byte sent until the rows are seen, and the import."""
    file = _file(more)
    began = time.perf_counter()
    run = stack.finish(area, stack.call("POST", f"/v1/areas/{area}/demand", file, PARQUET))
    [row] = stack.call("GET", f"/v1/areas/{area}/demand?item=item-{ITEMS - 1:05}&limit=1")["items"]
    seconds = time.perf_counter() - began
    if row["quantity"] != _quantities(more)[-WEEKS]:
        raise RuntimeError(f"the row that was sent is not the one that is seen: {row}")
    return seconds, run


def _file(more: int) -> bytes:
    days = np.datetime64(MONDAY, "D") + 7 * np.arange(WEEKS).astype("timedelta64[D]")
    table = pa.table(
        {
            "item": pa.array(np.repeat([f"item-{number:05}" for number in range(ITEMS)], WEEKS)),
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


@contextlib.contextmanager
def _started(place: Path) -> Iterator[Stack]:
    port = free_port()
    command = [sys.executable, "-m", "services", "--port", str(port), "--data-dir", str(place)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as stack:
        try:
            await_ready(stack, port)
            worker = next(pid for pid in children(stack.pid) if _takes_in(Path(f"/proc/{pid}/cmdline").read_text()))
            yield Stack(port, DataDirectory(place).credentials.api_key("admin"), worker)
        finally:
            stack.terminate()
            stack.wait(STOP_SECONDS)


def _takes_in(command: str) -> bool:
    words = command.split("\0")
    return "services.forecast" in words and "work" in words


if __name__ == "__main__":
    sys.exit(main())
