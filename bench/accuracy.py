"""How good the service's own forecasts are on a long panel, beside the peers' on the same split.

Without a panel, one is made on the spot, and the figures are held to goals.
"""

import argparse
import resource
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.contest import peers, synthetic
from bench.contest.drivers import value_added
from bench.contest.forecasts import Said, from_table, lengths, ours, table
from bench.contest.levels import by_level
from bench.contest.panel import Contest
from bench.contest.scores import scores
from bench.report import Goal, report
from services.forecast.engine.baselines import seasonal_naive
from services.forecast.engine.panel import Panel

KIBIBYTES = 1024  # in a MiB
GOALS = (
    Goal("wql_of_seasonal_naive", "at_most", 0.7),
    Goal("bias_size", "at_most", 0.03),
    Goal("coverage_80_miss", "at_most", 0.06),  # slow movers are covered more often than asked
    Goal("sum_coverage_80_miss", "at_most", 0.06),
)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    if options.panel is None:
        return _synthetic()
    contest = Contest.read(
        options.panel,
        options.frequency,
        options.horizon,
        origins=options.origins,
        known=options.known,
        past=options.past,
        in_stock=options.in_stock,
    )
    figures = measure(
        contest, threads=options.threads, with_peers=options.peers, with_drivers=options.drivers, out=options.out
    )
    return report(figures, ())


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.accuracy", description=__doc__)
    parser.add_argument("--panel", type=Path, help="Parquet: item, location, period, quantity[, in_stock][, drivers]")
    parser.add_argument("--frequency", choices=["D", "W", "M"], default="W")
    parser.add_argument("--horizon", type=int, default=8, help="periods to forecast from each origin")
    parser.add_argument("--origins", type=int, default=1, help="the last N non-overlapping ones")
    parser.add_argument("--known", type=_names, default=[], help="columns of drivers known ahead: a,b")
    parser.add_argument("--past", type=_names, default=[], help="columns of drivers known only afterwards: c,d")
    parser.add_argument("--in-stock", action="store_true", help="demand is unknown where in_stock is false")
    parser.add_argument("--out", type=Path, help="Parquet to write the forecasts to")
    parser.add_argument("--peers", action="store_true", help="also run statsforecast and mlforecast")
    parser.add_argument("--drivers", action="store_true", help="also run without each family of drivers")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args(arguments)


def _names(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def _synthetic() -> int:
    with tempfile.TemporaryDirectory() as place:
        path = Path(place, "panel.parquet")
        synthetic.weekly().to_parquet(path, index=False)
        contest = Contest.read(path, "W", 8, origins=2, known=["promotion"])
    found = measure(contest, threads=2)
    figures = {
        **found,
        "wql_of_seasonal_naive": round(found["wql"] / found["seasonal_naive"]["wql"], 4),
        "bias_size": abs(found["bias"]),
        "coverage_80_miss": round(abs(found["coverage_80"] - 0.8), 4),
        "sum_coverage_80_miss": round(abs(found["sum_coverage_80"] - 0.8), 4),
    }
    return report(figures, GOALS)


def measure(
    contest: Contest, *, threads: int, with_peers: bool = False, with_drivers: bool = False, out: Path | None = None
) -> dict[str, Any]:
    """Scores of the model, of seasonal naive and of the peers, over item-locations with known demand at the origin."""
    panel = contest.panel()
    said = [ours(panel, length, threads=threads) for length in lengths(panel, contest.origins)]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIBIBYTES
    if out is not None:
        pd.concat([table(one) for one in said], ignore_index=True).to_parquet(out, index=False)
    among = [~np.isnan(one.known.demand).all(axis=1) for one in said]
    found: dict[str, Any] = {
        **scores(said, among),
        "series": len(panel.series),
        "periods": len(panel.periods),
        "origins": [str(one.known.periods[-1]) for one in said],
        "levels": by_level(said, contest=contest if with_peers else None),
        "seasonal_naive": scores([_naive(one) for one in said], among),
        "peak_memory_mib": round(memory),
    }
    if with_drivers:
        found["drivers"] = value_added(panel, said, among, threads=threads)
    if with_peers:
        found["peers"] = {name: _peer(name, contest, panel, said) for name in peers.NAMES}
    return found


def _naive(said: Said) -> Said:
    mean, quantiles = seasonal_naive(said.known.demand, said.known.horizon, said.known.season)
    return Said(said.known, said.demand, mean, quantiles, None, 0.0)


def _peer(name: str, contest: Contest, panel: Panel, said: Sequence[Said]) -> dict[str, Any]:
    """A peer's scores on the cells that it has forecast, and how much worse than ours they are there."""
    answers = [peers.ask(name, contest, one.known) for one in said]
    failures = [answer.failure for answer in answers if answer.table is None]
    if failures:
        return {"failed": failures[0]}
    told = [
        from_table(panel, len(one.known.periods), answer.table, answer.seconds)
        for one, answer in zip(said, answers, strict=True)
        if answer.table is not None
    ]
    among = [~np.isnan(one.quantiles).any(axis=(1, 2)) for one in told]
    mine = scores(said, among)
    theirs = scores(told, among)
    return {**theirs, "of_ours": {name: round(mine[name] / theirs[name], 4) for name in ("wql", "mase", "rmsse")}}


if __name__ == "__main__":
    sys.exit(main())
