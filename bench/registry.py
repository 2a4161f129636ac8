"""What MLflow's state costs those who read and forecast: up, slow by 30 s, answering 500, and away, side by side.

The stack is the real one, process by process; between the forecast worker and a real MLflow server stands what can be
told how to answer. Each round tries the four states in random order. In each a promotion or rollback gives the worker
something to tell MLflow; then one client reads the champion, its versions and a forecast's values, and asks for
forecasts one after the other. A state is compared with `up` of the same round; figures are medians over the rounds.
"""

import asyncio
import itertools
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from bench.promotion import FIRST, HOME, SECOND, await_true, change, p99, prepared, succeeded
from bench.report import Goal, report
from bench.stack import Stack, await_answer, free_port
from bench.trial.killer import ready
from bench.trial.stand_in import Mode, StandIn
from bench.trial.system import System
from services.embedded.environment import HOST

ROUNDS, READS, RUNS, SEED = 7, 400, 10, 7
UP: Mode = "up"
BROKEN: tuple[Mode, ...] = ("slow", "failing", "down")
PATHS = ("models/champion", "forecasts/latest/values?limit=100", "models/versions")
WORKER = "forecast-worker"
MOST_RATIO = 1.05
FIGURES = ("read_p50_ms", "read_p99_ms", "run_p50_ms")
GOALS = [Goal(f"{figure}_ratio_{mode}", "at_most", MOST_RATIO) for figure in FIGURES[1:] for mode in BROKEN]

type Figures = Mapping[str, float]


def main() -> int:
    with (
        tempfile.TemporaryDirectory() as place,
        System(Path(place, "data")) as system,
        _mlflow(system.environment_of_mlflow) as port,
        StandIn(UP, port) as stand_in,
    ):
        system.kill([WORKER])
        system.start([WORKER], ACCORD_MLFLOW_TRACKING_URI=stand_in.url)
        asyncio.run(ready(system))
        found = _rounds(Stack(urlsplit(system.url).port or 0, system.key, os.getpid()), stand_in)
    return report({"rounds": ROUNDS, **_told(found)}, GOALS)


@contextmanager
def _mlflow(environment: Mapping[str, str]) -> Iterator[int]:
    """An MLflow server; gives its port."""
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--host", HOST, "--port", str(port), "--workers", "1"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            await_answer(port)
            yield port
        finally:
            server.terminate()


def _rounds(stack: Stack, stand_in: StandIn) -> dict[Mode, list[Figures]]:
    """What was measured in each state of MLflow, by round."""
    prepared(stack)
    chance = random.Random(SEED)  # noqa: S311  no secret
    found: dict[Mode, list[Figures]] = {mode: [] for mode in (UP, *BROKEN)}
    versions, sequence = itertools.cycle((SECOND, FIRST)), 1
    for _ in range(ROUNDS):
        for mode in chance.sample(list(found), len(found)):
            with _asked(stack, stand_in, mode):
                sequence = change(stack, next(versions), sequence)
                found[mode].append(_measured(stack))
    return found


@contextmanager
def _asked(stack: Stack, stand_in: StandIn, mode: Mode) -> Iterator[None]:
    """MLflow in this state: it was asked before this ends, and afterwards it is told what it missed."""
    stand_in.turn(mode)
    before = stand_in.answered[mode]
    yield
    await_true(lambda: stand_in.answered[mode] > before or stand_in.waiting > 0, "MLflow to be asked")
    stand_in.turn(UP)
    await_true(lambda: stack.call("GET", f"{HOME}/models/champion")["promotion"]["mirrored_at"], "the alias to follow")


def _measured(stack: Stack) -> Figures:
    """Milliseconds of reads and of forecast runs, from the request for one until it has succeeded."""
    paths = itertools.islice(itertools.cycle(PATHS), READS)
    reads = [_milliseconds(partial(stack.call, "GET", f"{HOME}/{path}")) for path in paths]
    runs = [_milliseconds(partial(succeeded, stack, "forecasts", {})) for _ in range(RUNS)]
    return dict(zip(FIGURES, (statistics.median(reads), p99(reads), statistics.median(runs)), strict=True))


def _milliseconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


def _told(found: Mapping[Mode, Sequence[Figures]]) -> dict[str, float]:
    """Medians over the rounds, and those of each round's ratio to `up`."""
    told = {}
    for mode, rounds in found.items():
        for figure in FIGURES:
            told[f"{figure}_{mode}"] = round(statistics.median(one[figure] for one in rounds), 2)
            if mode != UP:
                ratios = [one[figure] / up[figure] for one, up in zip(rounds, found[UP], strict=True)]
                told[f"{figure}_ratio_{mode}"] = round(statistics.median(ratios), 3)
    return told


if __name__ == "__main__":
    sys.exit(main())
