"""What the outcomes of a backtest look like drawn: by level of the quantiles, by lag."""

from collections.abc import Sequence

import numpy as np

from services.forecast.engine.backtest import Outcome
from services.forecast.engine.cells import QUANTILES, Floats
from services.forecast.engine.metrics import wmape

_MEDIAN = QUANTILES.index(0.5)


def observed(outcomes: Sequence[Outcome], which: str) -> Floats:
    """Share of known demand at or below each of QUANTILES [K], as `which` (model, naive) told them; NaN without any.

    A calibrated forecast has each quantile's own level there (Gneiting, Balabdaoui and Raftery, 2007).
    """
    demand, quantiles = _pooled(outcomes, which)
    known = ~np.isnan(demand)
    if not known.any():
        return np.full(len(QUANTILES), np.nan)
    found: Floats = (demand[known][:, None] <= quantiles[known]).mean(axis=0)
    return found


def errors_by_lag(outcomes: Sequence[Outcome], which: str) -> Floats:
    """WMAPE of the median at each lag [H], all origins together; NaN where there was no demand."""
    demand, quantiles = _pooled(outcomes, which)
    return np.array([wmape(demand[:, lag], quantiles[:, lag, _MEDIAN]) for lag in range(demand.shape[1])])


def _pooled(outcomes: Sequence[Outcome], which: str) -> tuple[Floats, Floats]:
    """Demand [origins * n, H] and quantiles [origins * n, H, K]."""
    demand = np.concatenate([outcome.demand for outcome in outcomes])
    return demand, np.concatenate([getattr(outcome, which)[1] for outcome in outcomes])
