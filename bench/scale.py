"""What a forecast costs: seconds and memory by the number of series, beside the fastest peer's on the same table.

A chain's shops by day, made on the spot. The first forecast is `train` (with its held-out blocks) and `forecast`; a
refresh loads that model from its files and forecasts from a week more of demand, aggregates included. Beside the peer,
one thread each: from a long table in a Parquet file to one, processes started anew. Whatever is measured runs in a
process of its own.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.contest import forecasts, peers, synthetic
from bench.contest.forecasts import Said
from bench.contest.panel import KEYS, Contest
from bench.report import Goal, report
from services.forecast.engine.aggregation import Margins
from services.forecast.engine.levels import all_levels
from services.forecast.engine.model import Model
from services.forecast.engine.panel import DriverDefinition, Panel
from services.forecast.engine.training import train

KIBIBYTES = 2**20  # in a GiB
HORIZON = 28
WEEK = 7
PEER = "LightGBM"  # in mlforecast, with conformal intervals
PARTS = ("whole", "growth", "beside")
DRIVERS: dict[str, DriverDefinition] = {
    "price": DriverDefinition("price", "price"),
    "promotion": DriverDefinition("promotion", "promotion"),
}
WHOLE = (
    Goal("first_seconds", "at_most", 240),
    Goal("first_memory_gib", "at_most", 8),
    Goal("refresh_seconds", "at_most", 60),
)
GROWTH = (Goal("growth_2", "at_most", 1.1), Goal("growth_3", "at_most", 1.1))  # 1 is linear
BESIDE = (Goal("of_peer_seconds", "at_most", 0.5),)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    if options.measure:
        print(json.dumps(MEASURES[options.measure](options)))
        return 0
    figures: dict[str, Any] = {}
    goals: tuple[Goal, ...] = ()
    if "whole" in options.parts:
        figures |= _child("panel", options.series, options.periods, options.threads)
        goals += WHOLE
    if "growth" in options.parts:
        figures |= _growth(options)
        goals += GROWTH
    if "beside" in options.parts:
        figures |= _beside(options)
        goals += BESIDE
    return report(figures, goals)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--series", type=int, default=30_490, help="of the whole panel")
    parser.add_argument("--periods", type=int, default=1_913, help="of the whole panel, in days")
    parser.add_argument(
        "--short-series", type=int, default=30_000, help="beside the peer, and at the end of the growth"
    )
    parser.add_argument("--short-periods", type=int, default=120, help="there, in days")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--measure", choices=[*MEASURES], help=argparse.SUPPRESS)
    parser.add_argument("--files", type=Path, nargs=2, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def _child(measure: str, series: int, periods: int, threads: int, files: Sequence[Path] = ()) -> dict[str, Any]:
    sizes = {"--measure": measure, "--series": series, "--periods": periods, "--threads": threads}
    command = [sys.executable, "-m", "bench.scale", *(str(part) for pair in sizes.items() for part in pair)]
    command += ["--files", *map(str, files)] if files else []
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


def _growth(options: argparse.Namespace) -> dict[str, Any]:
    """Seconds of a third, two thirds and all of the short panel's series; growth: seconds a series, of the first."""
    sizes = [options.short_series * part // 3 for part in (1, 2, 3)]
    seconds = [_child("panel", size, options.short_periods, options.threads)["first_seconds"] for size in sizes]
    return {
        "growth_series": sizes,
        "growth_periods": options.short_periods,
        "growth_seconds": seconds,
        "growth_2": round(seconds[1] / seconds[0] / 2, 3),
        "growth_3": round(seconds[2] / seconds[0] / 3, 3),
    }


def _beside(options: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as place:
        panel = synthetic.daily(options.short_series, options.short_periods, HORIZON)
        files = Path(place, "table.parquet"), Path(place, "told.parquet")
        _long(panel).to_parquet(files[0], index=False)
        before = _processor_seconds()
        answer = peers.ask(PEER, Contest.read(files[0], "D", HORIZON, known=[*DRIVERS]), panel, Path(place))
        if answer.table is None:
            raise RuntimeError(f"{PEER}: {answer.failure}")
        began, between = time.perf_counter(), _processor_seconds()
        _child("beside", options.short_series, options.short_periods, 1, files)
        seconds, after = time.perf_counter() - began, _processor_seconds()
    return {
        "beside_series": options.short_series,
        "beside_periods": options.short_periods,
        "beside_seconds": round(seconds, 1),
        "peer_seconds": round(answer.seconds, 1),
        "of_peer_seconds": round(seconds / answer.seconds, 3),
        "beside_processor_seconds": round(after - between, 1),  # told apart from what others on the machine take
        "peer_processor_seconds": round(between - before, 1),
    }


def _long(panel: Panel) -> pd.DataFrame:
    """item, location, period, quantity and drivers; the future, and periods before an item came, without quantity."""
    n, length = len(panel.series), len(panel.timeline)
    ahead = np.full((n, panel.horizon), np.nan, dtype=np.float32)
    frame = panel.series[KEYS].loc[np.repeat(np.arange(n), length)].reset_index(drop=True)
    return frame.assign(
        period=np.tile(panel.timeline.astype("datetime64[us]"), n),
        quantity=np.hstack([panel.demand, ahead]).ravel(),
        **{driver.name: driver.matrix.ravel() for driver in panel.drivers},
    )


def _measured(options: argparse.Namespace) -> dict[str, Any]:
    """The first forecast and the refresh, in a process that holds nothing but the panel."""
    panel = synthetic.daily(options.series, options.periods + WEEK, HORIZON)
    held = _memory()
    began, idle = time.perf_counter(), time.process_time()
    known = panel.until(options.periods)
    model = train(known, threads=options.threads)
    trained = time.perf_counter()
    model.forecast(known)
    forecast, worked, memory = time.perf_counter(), time.process_time(), _memory()
    files = model.to_files()
    loaded = time.perf_counter()
    again = Model.from_files(files, threads=options.threads)
    found = again.forecast(panel)
    refreshed = time.perf_counter()
    nodes = again.aggregates(
        panel.series, Margins(found.mean, found.quantiles, found.dependence), all_levels(panel.series)
    )
    ended = time.perf_counter()
    return {
        "series": options.series,
        "periods": options.periods,
        "horizon": HORIZON,
        "panel_memory_gib": held,
        "first_memory_gib": memory,
        "train_seconds": round(trained - began, 1),
        "first_seconds": round(forecast - began, 1),
        "first_processor_seconds": round(worked - idle, 1),
        "aggregates": sum(len(one.level) for one in nodes),
        "aggregates_seconds": round(ended - refreshed, 1),
        "refresh_seconds": round(ended - loaded, 1),
    }


def _told(options: argparse.Namespace) -> dict[str, Any]:
    """Forecast a long table, as a peer does: from a file to a file."""
    source, target = options.files
    whole = pd.read_parquet(source)
    demand = whole.dropna(subset=["quantity"])
    panel = Panel.from_long(
        demand[[*KEYS, "period", "quantity"]],
        frequency="D",
        horizon=HORIZON,
        gaps="unknown",
        drivers=[
            (what, whole[[*KEYS, "period", name]].rename(columns={name: "value"})) for name, what in DRIVERS.items()
        ],
    )
    found = train(panel, threads=options.threads).forecast(panel)
    said = Said(panel, panel.demand[:, :0], found.mean, found.quantiles, found.dependence, 0.0)
    forecasts.table(said).to_parquet(target, index=False)
    return {}


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _memory() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIBIBYTES, 2)


MEASURES: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {"panel": _measured, "beside": _told}

if __name__ == "__main__":
    sys.exit(main())
