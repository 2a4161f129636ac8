"""Forecasts of one contestant from every origin, as arrays and as a table."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.contest.panel import KEYS
from services.forecast.engine.aggregation import Margins, NodeForecast
from services.forecast.engine.cells import QUANTILES, Dates, Floats, Ints
from services.forecast.engine.levels import levels
from services.forecast.engine.panel import Panel
from services.forecast.engine.training import train

COLUMNS = [f"q{level:g}" for level in QUANTILES]


@dataclass(frozen=True)
class Said:
    """One origin: what was known until then, demand that came [n, H], and a forecast of it.

    mean [n, H] and quantiles [n, H, K] are NaN where the contestant said nothing; dependence [n] or None. Of ours also
    the factors [n, H] of reconciliation and the forecasts of aggregates.
    """

    known: Panel
    demand: Floats
    mean: Floats
    quantiles: Floats
    dependence: Floats | None
    seconds: float
    reconciled: Floats | None = None
    nodes: Sequence[NodeForecast] = ()


def lengths(panel: Panel, origins: int) -> list[int]:
    """Lengths of history at the last non-overlapping origins, oldest first; raises ValueError without room."""
    found = [len(panel.periods) - panel.horizon * (back + 1) for back in range(origins)]
    if found[-1] < 1:
        raise ValueError(f"{len(panel.periods)} periods have no room for {origins} horizons of {panel.horizon}")
    return found[::-1]


def ours(panel: Panel, length: int, *, threads: int) -> Said:
    """Train and forecast with the service's engine on the first `length` periods."""
    known = panel.until(length)
    began = time.perf_counter()
    model = train(known, threads=threads)
    found = model.forecast(known)
    nodes = model.aggregates(known.series, Margins(found.mean, found.quantiles, found.dependence), levels(known.series))
    seconds = time.perf_counter() - began
    demand = panel.demand[:, length : length + panel.horizon]
    return Said(known, demand, found.mean, found.quantiles, found.dependence, seconds, found.reconciled, nodes)


def table(said: Said) -> pd.DataFrame:
    """item, location, origin (last period known), period, mean and a column per quantile."""
    n, horizon = said.mean.shape
    frame = said.known.series[KEYS].loc[np.repeat(np.arange(n), horizon)].reset_index(drop=True)
    frame = frame.assign(origin=said.known.periods[-1], period=np.tile(said.known.future, n), mean=said.mean.ravel())
    numbers = said.quantiles.reshape(n * horizon, len(COLUMNS))
    return pd.concat([frame, pd.DataFrame(numbers, columns=COLUMNS)], axis=1)


def from_table(panel: Panel, length: int, told: pd.DataFrame, seconds: float) -> Said:
    """A contestant's table as arrays in the panel's order."""
    known = panel.until(length)
    mine = told[told["period"].isin(known.future)]
    rows = pd.MultiIndex.from_frame(known.series[KEYS]).get_indexer(pd.MultiIndex.from_frame(mine[KEYS]))
    columns = _columns(known.future, mine["period"].to_numpy().astype("datetime64[D]"))
    numbers = np.full((len(known.series), panel.horizon, 1 + len(QUANTILES)), np.nan)
    numbers[rows, columns] = mine[["mean", *COLUMNS]].to_numpy(dtype=np.float64)
    demand = panel.demand[:, length : length + panel.horizon]
    return Said(known, demand, numbers[..., 0], numbers[..., 1:], None, seconds)


def _columns(future: Dates, periods: Dates) -> Ints:
    found: Ints = np.searchsorted(future, periods)
    return found
