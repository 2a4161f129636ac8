"""The yardstick of every backtest: demand repeats its last season.

Source: Hyndman and Athanasopoulos, Forecasting: Principles and Practice (3rd ed.), sections 5.2 and 5.5.
"""

import numpy as np
from scipy.special import ndtri

from services.forecast.engine.cells import QUANTILES, Floats
from services.forecast.engine.metrics import row_mean


def seasonal_naive(history: Floats, horizon: int, season: int) -> tuple[Floats, Floats]:
    """Mean [n, H] and quantiles [n, H, K] that repeat the last season of `history` [n, T].

    An unknown period is filled with the mean of the last season, then of all history, then 0. Quantiles
    are normal with the in-sample seasonal error growing by the square root of the cycles ahead, cut at 0.
    """
    cycles = np.arange(horizon) // season + 1
    source = history.shape[1] + np.arange(horizon) - season * cycles
    mean = np.where(source >= 0, history[:, np.maximum(source, 0)], np.nan).astype(np.float64)
    recent = row_mean(history[:, -season:])
    usual = np.nan_to_num(np.where(np.isnan(recent), row_mean(history), recent))
    mean = np.where(np.isnan(mean), usual[:, None], mean)
    spread = _seasonal_error(history, season)[:, None] * np.sqrt(cycles)
    quantiles = mean[..., None] + spread[..., None] * ndtri(np.array(QUANTILES))
    return mean, np.maximum(quantiles, 0)


def _seasonal_error(history: Floats, season: int) -> Floats:
    """Root mean squared seasonal difference [n]; of plain differences where no season is complete."""
    gap = season if history.shape[1] > season else 1
    if history.shape[1] <= gap:
        return np.zeros(len(history))
    return np.sqrt(np.nan_to_num(row_mean((history[:, gap:] - history[:, :-gap]) ** 2)))
