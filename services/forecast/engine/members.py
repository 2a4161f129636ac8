"""Statistical forecasts beside the learned one: each known by name, all made in one pass through history."""

from typing import Literal

import numpy as np

from services.forecast.engine.cells import Cells, Floats, Ints
from services.forecast.engine.history import History
from services.forecast.engine.intermittent import Intermittent
from services.forecast.engine.smoothing import Smoothing

type Member = Literal["seasonal_naive", "smoothing", "theta", "sba", "tsb", "mean"]

MEMBERS: tuple[Member, ...] = ("seasonal_naive", "smoothing", "theta", "sba", "tsb", "mean")
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
    present, place = np.unique(cells.series, return_inverse=True)
    smoothing, intermittent = Smoothing(len(present), season), Intermittent(len(present))
    first = max(0, min(groups) - max(_CYCLES * season, _PERIODS))
    for period in range(first, max(groups) + 1):
        demand = history.demand[period, present]
        smoothing.observe(period, demand)
        intermittent.observe(demand)
        if period in groups:
            rows = groups[period]
            series, horizon = cells.series[rows], cells.horizon[rows]
            found[rows, 0] = _seasonal_naive(history, season, period, series, horizon)
            found[rows, 1], found[rows, 2] = smoothing.forecast(period, place[rows], horizon)
            found[rows, 3], found[rows, 4] = intermittent.forecast(place[rows])
            found[rows, 5] = history.mean(series, np.full(len(rows), period + 1), history.length)
    return found


def _seasonal_naive(history: History, season: int, origin: int, series: Ints, horizon: Ints) -> Floats:
    """Demand one season before, the recent mean where it is not known."""
    same = origin + horizon - season * (-(-horizon // season))
    found = history.at(series, same)
    recent = history.mean(series, np.full(len(series), origin + 1), season)
    usual = history.mean(series, np.full(len(series), origin + 1), history.length)
    recent = np.where(np.isnan(recent), usual, recent)
    filled: Floats = np.where(np.isnan(found), recent, found)
    return filled
