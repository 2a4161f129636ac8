"""How long the stack takes until it is ready, on a new data directory and on a second start, and what it holds idle."""

import contextlib
import itertools
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.report import Goal, report
from bench.stack import KIBIBYTES, await_ready, children, free_port, launch

ROUNDS = 3
IDLE_SECONDS = 10.0

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
    with subprocess.Popen(launch(port, directory), stdout=subprocess.DEVNULL) as stack:
        await_ready(stack, port)
        ready = time.perf_counter() - began
        time.sleep(settle)
        pss = _pss(stack.pid)
        began = time.perf_counter()
        stack.send_signal(signal.SIGTERM)
    return Start(ready, time.perf_counter() - began, pss)


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


def _name(pid: int) -> str:
    """`forecast work` of `python -m services.forecast work ...`; of other programs the file's name."""
    line = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    for word, command in itertools.pairwise(line):
        if word.startswith("services."):
            return f"{word.removeprefix('services.')} {command}"
    return Path(line[0]).name


def _median(values: list[float]) -> float:
    return round(statistics.median(values), 2)


if __name__ == "__main__":
    sys.exit(main())
