"""How long the stack takes until it is ready, on a new data directory and on a second start, and what it holds idle."""

import contextlib
import http.client
import itertools
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.report import Goal, report

ROUNDS = 3
IDLE_SECONDS = 10.0
PATIENCE_SECONDS = 180.0
KIBIBYTES = 1024  # in a MiB

GOALS = (
    Goal("first_start_seconds", "at_most", 20),
    Goal("second_start_seconds", "at_most", 20),
    Goal("idle_pss_mib", "at_most", 1024),
)


@dataclass(frozen=True)
class Start:
    """One start of the stack. pss: by process, in MiB."""

    ready_seconds: float
    stop_seconds: float
    pss: dict[str, float]


def main() -> int:
    rounds = [_round() for _ in range(ROUNDS)]
    idle = [second.pss for _, second in rounds]
    figures = {
        "first_start_seconds": _median([first.ready_seconds for first, _ in rounds]),
        "second_start_seconds": _median([second.ready_seconds for _, second in rounds]),
        "stop_seconds": _median([second.stop_seconds for _, second in rounds]),
        "idle_pss_mib": _median([sum(pss.values()) for pss in idle]),
        "idle_pss_mib_by_process": {name: _median([pss[name] for pss in idle]) for name in sorted(idle[0])},
    }
    return report(figures, GOALS)


def _round() -> tuple[Start, Start]:
    """A first start on a new data directory, and a second one there."""
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place, "data")
        return _start(directory, settle=0), _start(directory, settle=IDLE_SECONDS)


def _start(directory: Path, settle: float) -> Start:
    port = free_port()
    began = time.perf_counter()
    command = [sys.executable, "-m", "services", "--port", str(port), "--data-dir", str(directory)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as stack:
        await_ready(stack, port)
        ready = time.perf_counter() - began
        time.sleep(settle)
        pss = _pss(stack.pid)
        began = time.perf_counter()
        stack.send_signal(signal.SIGTERM)
    return Start(ready, time.perf_counter() - began, pss)


def await_ready(stack: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not _is_ready(port):
        if stack.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the stack did not start: run `make run` and see why")
        time.sleep(0.05)


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/v1/health/ready")
        return connection.getresponse().status == http.HTTPStatus.OK
    return False


def _pss(pid: int) -> dict[str, float]:
    """Proportional set size by child of the stack, with all below it: shared pages are counted once over all."""
    sizes = {"supervisor": _own_pss(pid)}
    for child in children(pid):
        sizes[_name(child)] = sum(map(_own_pss, _family(child)))
    return sizes


def _own_pss(pid: int) -> float:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / KIBIBYTES
    return 0.0


def _family(pid: int) -> Iterator[int]:
    yield pid
    for child in children(pid):
        yield from _family(child)


def children(pid: int) -> list[int]:
    return [int(child) for task in Path(f"/proc/{pid}/task").glob("*/children") for child in task.read_text().split()]


def _name(pid: int) -> str:
    """`forecast work` of `python -m services.forecast work ...`; of other programs the file's name."""
    line = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    for word, command in itertools.pairwise(line):
        if word.startswith("services."):
            return f"{word.removeprefix('services.')} {command}"
    return Path(line[0]).name


def _median(values: list[float]) -> float:
    return round(statistics.median(values), 2)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
