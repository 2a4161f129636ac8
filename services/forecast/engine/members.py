"""Statistical forecasts beside the learned one: each known by name, all made in one pass through history."""

from typing import Literal

import numpy as np

from services.forecast.engine.cells import Cells, Floats
from services.forecast.engine.history import History
from services.forecast.engine.intermittent import Intermittent
from services.forecast.engine.smoothing import Smoothing

type Member = Literal["seasonal_naive", "smoothing", "theta", "sba", "tsb", "mean", "trend"]

MEMBERS: tuple[Member, ...] = ("seasonal_naive", "smoothing", "theta", "sba", "tsb", "mean", "trend")
_CYCLES = 4  # of history before the first origin that is asked for, at least
_PERIODS = 104  # and as many periods


def member_forecasts(history: History, season: int, cells: Cells) -> Floats:
    """Demand of `cells` in units by each of MEMBERS, [r, M]; NaN before a series' first record."""
    found = np.empty((len(cells), len(MEMBERS)), dtype=np.float32)
    order = np.argsort(cells.origin, kind="stable")
    asked, starts = np.unique(cells.origin[order], return_index=True)
    groups = dict(zip(asked.tolist(), np.split(order, starts[1:]), strict=True))
    if not groups:
        return found
    found[:, 0] = _seasonal_naive(history, season, cells)
    found[:, 5] = history.mean(cells.series, cells.origin + 1, history.length)
    smoothing, intermittent = Smoothing(history.n, season), Intermittent(history.n)
    first = max(0, min(groups) - max(_CYCLES * season, _PERIODS))
    for period in range(first, max(groups) + 1):
        demand = history.demand[period]
        smoothing.observe(period, demand)
        intermittent.observe(demand)
        if period in groups:
            rows = groups[period]
            series, horizon = cells.series[rows], cells.horizon[rows]
            found[rows, 1], found[rows, 2], found[rows, 6] = smoothing.forecast(period, series, horizon)
            found[rows, 3], found[rows, 4] = intermittent.forecast(series)
    return found


def _seasonal_naive(history: History, season: int, cells: Cells) -> Floats:
    """Demand one season before, the recent mean where it is not known."""
    found = history.at(cells.series, cells.target - season * (-(-cells.horizon // season)))
    recent = history.mean(cells.series, cells.origin + 1, season)
    usual = history.mean(cells.series, cells.origin + 1, history.length)
    filled: Floats = np.where(np.isnan(found), np.where(np.isnan(recent), usual, recent), found)
    return filled
