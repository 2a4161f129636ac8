"""Adjustments on a forecast's numbers: top-down by what is forecast, one after the other."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from services.forecast.adjustments.tables import Adjustment
from services.forecast.forecasts.grid import Grid


@dataclass(frozen=True)
class Labels:
    """What each of n item-locations is, besides its codes; None where it is nothing."""

    category: Sequence[str | None]
    region: Sequence[str | None]


def applied(grid: Grid, labels: Labels, adjustments: Sequence[Adjustment]) -> Grid:
    """The consensus: means as adjusted, quantiles in proportion; where nothing was expected they are the mean."""
    mean = np.array(grid.mean, dtype=np.float64)
    for one in adjustments:
        rows, steps = _rows(grid, labels, one), _steps(grid, one)
        if len(rows) and len(steps):
            cells = np.ix_(rows, steps)
            mean[cells] = _adjusted(mean[cells], one.action, one.value)
    before = grid.mean.astype(np.float64)
    with np.errstate(over="ignore"):  # next to nothing was expected: there is no proportion to it
        ratio = np.divide(mean, before, out=np.full_like(mean, np.inf), where=before > 0)
    told = np.isfinite(ratio)
    anew = np.where((mean > 0)[:, :, None], mean[:, :, None], grid.quantiles)
    quantiles = np.where(told[:, :, None], grid.quantiles * np.where(told, ratio, 0.0)[:, :, None], anew)
    return replace(grid, mean=mean, quantiles=quantiles)


def _adjusted(mean: npt.NDArray[np.float64], action: str, value: float) -> npt.NDArray[np.float64]:
    """Means [k, t] of what an adjustment concerns, after it."""
    if action == "scale":
        return mean * value
    total = mean.sum(axis=0)
    share = np.divide(mean, total, out=np.full_like(mean, 1 / len(mean)), where=total > 0)
    return np.maximum(share * value if action == "set" else mean + share * value, 0)


def _rows(grid: Grid, labels: Labels, one: Adjustment) -> npt.NDArray[np.intp]:
    mine = np.ones(len(grid.items), dtype=bool)
    for wanted, names in ((one.item, grid.items), (one.location, grid.locations), (one.region, labels.region)):
        if wanted is not None:
            mine &= np.array([name == wanted for name in names], dtype=bool)
    if one.category is not None:
        below = f"{one.category}/"
        mine &= np.array([n is not None and (n == one.category or n.startswith(below)) for n in labels.category])
    return np.flatnonzero(mine)


def _steps(grid: Grid, one: Adjustment) -> npt.NDArray[np.intp]:
    inside = np.ones(len(grid.periods), dtype=bool)
    if one.first is not None:
        inside &= grid.periods >= np.datetime64(one.first)
    if one.last is not None:
        inside &= grid.periods <= np.datetime64(one.last)
    return np.flatnonzero(inside)
