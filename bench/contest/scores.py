"""One set of scores for every contestant, on the same cells.

Sources as in the engine's metrics; coverage of sums is that of the joint paths over the whole horizon.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from bench.contest.forecasts import Said
from services.forecast.engine.cells import QUANTILES, Bools, Floats
from services.forecast.engine.metrics import Scores
from services.forecast.engine.segments import SEGMENTS, segments
from shared import paths

PATHS = 200
OUTER = {"80": (0.1, 0.9), "95": (0.025, 0.975)}


def scores(said: Sequence[Said], among: Sequence[Bools]) -> dict[str, Any]:
    """Mean of each score over origins; `among` [n] at each origin are the item-locations that count.

    bias is that of the mean over the horizon's sum; bias_by_class tells it for each demand class.
    """
    found = Scores.average([_scores(one, rows) for one, rows in zip(said, among, strict=True)])
    return {
        **{name: _rounded(value) for name, value in asdict(found).items()},
        **_sums(said, among),
        "bias_by_class": _by_class(said, among),
        "seconds": round(float(np.mean([one.seconds for one in said])), 2),
    }


def _scores(said: Said, rows: Bools) -> Scores:
    return Scores.of(
        said.known.demand[rows], said.demand[rows], said.mean[rows], said.quantiles[rows], said.known.season
    )


def _sums(said: Sequence[Said], among: Sequence[Bools]) -> dict[str, float]:
    """Share of horizon sums inside their 80 % and 95 % intervals; nothing where only margins were told."""
    ranks = [_ranks(one, rows) for one, rows in zip(said, among, strict=True) if one.dependence is not None]
    if not ranks:
        return {}
    return {
        f"sum_coverage_{name}": _rounded(float(np.mean([_inside(pair, *bounds) for pair in ranks])))
        for name, bounds in OUTER.items()
    }


def _ranks(said: Said, rows: Bools) -> tuple[Floats, Floats]:
    """Share of paths below each sum, and share not above it, [m] each: apart where sums tie, as at zero."""
    whole = rows & ~np.isnan(said.demand).any(axis=1)
    dependence = np.zeros(len(rows)) if said.dependence is None else said.dependence
    keys = said.known.series["item"].astype(str) + "\x1f" + said.known.series["location"].astype(str)
    drawn = paths.sample(
        np.array(QUANTILES),
        said.quantiles[whole].astype(np.float64),
        said.mean[whole].astype(np.float64),
        rho=dependence[whole].astype(np.float64),
        seeds=paths.series_seeds(keys[whole]),
        paths=PATHS,
    )
    totals, came = drawn.sum(axis=2, dtype=np.float64), said.demand[whole].sum(axis=1, dtype=np.float64)[:, None]
    return (totals < came).mean(axis=1), (totals <= came).mean(axis=1)


def _inside(ranks: tuple[Floats, Floats], low: float, high: float) -> float:
    below, upto = ranks
    return float(((upto >= low) & (below <= high)).mean())


def _by_class(said: Sequence[Said], among: Sequence[Bools]) -> dict[str, float]:
    """Bias of the horizon's sum by demand class, over the sum of all origins."""
    known = [segments(one.known.demand) for one in said]
    found = {}
    for number, name in enumerate(SEGMENTS):
        chosen = [(one, rows & (kind == number)) for one, rows, kind in zip(said, among, known, strict=True)]
        demand = sum(float(np.nansum(one.demand[rows], dtype=np.float64)) for one, rows in chosen)
        misses = sum(float(np.nansum((one.mean - one.demand)[rows], dtype=np.float64)) for one, rows in chosen)
        if demand > 0:
            found[name] = _rounded(misses / demand)
    return found


def _rounded(value: float) -> float:
    return round(value, 5)
