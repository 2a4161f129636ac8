"""Adjustments on a forecast's numbers: top-down by what is forecast, one after the other."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from services.forecast.adjustments.tables import Adjustment
from services.forecast.forecasts.grid import Grid

type Rows = npt.NDArray[np.intp]
type Groups = dict[str, Rows]


@dataclass(frozen=True)
class Labels:
    """What each of n item-locations is, besides its codes; None where it is nothing."""

    category: Sequence[str | None]
    region: Sequence[str | None]


def applied(grid: Grid, labels: Labels, adjustments: Sequence[Adjustment]) -> Grid:
    """The consensus: means as adjusted, quantiles in proportion; where nothing was expected they are the mean."""
    mean = np.array(grid.mean, dtype=np.float64)
    named = [_by_name(each) for each in (grid.items, grid.locations, labels.region, labels.category)]
    for one in adjustments:
        rows, steps = _rows(len(mean), named, one), _steps(grid, one)
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


def _by_name(names: Sequence[str | None]) -> Groups:
    """The rows of each name."""
    codes, each = pd.factorize(np.array(names, dtype=object))
    inside = np.flatnonzero(codes >= 0)
    order = inside[np.argsort(codes[inside], kind="stable")]
    return dict(zip(each, np.split(order, np.flatnonzero(np.diff(codes[order])) + 1), strict=True)) if len(each) else {}


def _rows(count: int, named: Sequence[Groups], one: Adjustment) -> Rows:
    """Those of `count` rows that an adjustment concerns, ascending; named by item, location, region and category."""
    *single, categories = named
    mine = np.arange(count)
    for wanted, groups in zip((one.item, one.location, one.region), single, strict=True):
        if wanted is not None:
            mine = np.intersect1d(mine, groups.get(wanted, mine[:0]), assume_unique=True)
    if one.category is not None:
        below = [rows for name, rows in categories.items() if f"{name}/".startswith(f"{one.category}/")]
        mine = np.intersect1d(mine, np.concatenate([mine[:0], *below]), assume_unique=True)
    return mine


def _steps(grid: Grid, one: Adjustment) -> npt.NDArray[np.intp]:
    inside = np.ones(len(grid.periods), dtype=bool)
    if one.first is not None:
        inside &= grid.periods >= np.datetime64(one.first)
    if one.last is not None:
        inside &= grid.periods <= np.datetime64(one.last)
    return np.flatnonzero(inside)
