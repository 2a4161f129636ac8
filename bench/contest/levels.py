"""How good sums of item forecasts are: by level of aggregation, beside statistics on the aggregate's own history.

The mean of a node is the sum of its items' means. Quantiles of sums are not judged here: paths are joint over the
periods of one item-location, not over items.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.contest.forecasts import Said
from bench.contest.panel import KEYS
from services.forecast.engine.cells import Floats, Ints
from services.forecast.engine.members import MEMBERS
from services.forecast.engine.metrics import bias, rmsse, row_mean, wmape
from services.forecast.engine.panel import Panel
from services.forecast.engine.value_added import told_by_members

TOTAL = "total"
STATISTICS = [MEMBERS.index("smoothing"), MEMBERS.index("theta")]


@dataclass(frozen=True)
class Level:
    """`node` [n] is each item-location's number, 0 to `nodes` - 1."""

    name: str
    node: Ints
    nodes: int

    def sums(self, values: Floats) -> Floats:
        """Sum [n, T] over the items of each node, [nodes, T]; what is unknown adds nothing."""
        found = np.zeros((self.nodes, values.shape[1]))
        np.add.at(found, self.node, np.nan_to_num(values))
        return found


def levels(panel: Panel) -> list[Level]:
    """The total, and each column of the series that puts several of them together, coarsest first."""
    n = len(panel.series)
    found = [Level(TOTAL, np.zeros(n, dtype=np.intp), 1)]
    for column in panel.series.columns:
        node = panel.series.groupby(column, dropna=False).ngroup().to_numpy()
        nodes = int(node.max()) + 1
        if 1 < nodes < n:
            found.append(Level(str(column), node, nodes))
    return sorted(found, key=lambda level: level.nodes)


def by_level(said: Sequence[Said]) -> dict[str, Any]:
    """By level: RMSSE, WMAPE and bias of the summed means, over origins; `of_statistics` is their RMSSE over that of
    exponential smoothing and Theta on the sums.
    """
    return {level.name: _scores(level, said) for level in levels(said[0].known)}


def _scores(level: Level, said: Sequence[Said]) -> dict[str, float]:
    ours = row_mean(np.array([_errors(level, one, level.sums(_known(one, one.mean))) for one in said]).T)
    theirs = row_mean(np.array([_errors(level, one, _statistics(level, one)) for one in said]).T)
    found = dict(zip(("rmsse", "wmape", "bias"), ours.tolist(), strict=True))
    found |= {"of_statistics": float(ours[0] / theirs[0]) if theirs[0] > 0 else np.nan}
    return {"nodes": level.nodes, **{name: round(value, 5) for name, value in found.items()}}


def _known(one: Said, mean: Floats) -> Floats:
    """The mean where demand is known: sums of both must be of the same cells."""
    return np.where(np.isnan(one.demand), np.nan, mean)


def _errors(level: Level, one: Said, mean: Floats) -> tuple[float, float, float]:
    demand, history = level.sums(one.demand), level.sums(one.known.demand)
    return rmsse(history, demand, mean), wmape(demand, mean), bias(demand, mean)


def _statistics(level: Level, one: Said) -> Floats:
    """Mean of smoothing and Theta on the sums, less the share of cells that are not known."""
    names = [f"{number:06d}" for number in range(level.nodes)]
    series = one.known.series[KEYS].iloc[: level.nodes].assign(item=names, location="all").reset_index(drop=True)
    history = level.sums(one.known.demand).astype(np.float32)
    known = Panel(one.known.frequency, one.known.season, one.known.periods, one.known.future, series, history)
    told = told_by_members(known)[STATISTICS].mean(axis=0)
    whole, part = level.sums(one.mean), level.sums(_known(one, one.mean))
    found: Floats = told * np.divide(part, whole, out=np.ones_like(whole), where=whole > 0)
    return found
