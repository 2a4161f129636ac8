"""Forecast consumption: customers' orders are part of what was forecast for their bucket, and more only beyond it."""

import numpy as np

from services.planner.engine.inputs import Floats
from shared.paths import margins


def consume(levels: Floats, grid: Floats, mean: Floats, orders: Floats) -> tuple[Floats, Floats]:
    """Quantiles [n, T, K] and mean [n, T] of demand = max(forecast, orders), of quantiles [n, T, K] at levels [K].

    The larger of two is monotone, so quantiles map to quantiles. Its mean is that of the strata that paths are drawn
    from; where the forecast is certain it is exact.
    """
    rows = np.flatnonzero(np.any(orders > 0, axis=1))
    consumed, average = grid.copy(), mean.copy()
    least = orders[rows, :, None]
    consumed[rows] = np.maximum(grid[rows], least)
    drawn = np.maximum(margins(levels, grid[rows], mean[rows]).astype(np.float64), least).mean(axis=2)
    certain = np.all(grid[rows] == mean[rows, :, None], axis=2)
    average[rows] = np.where(certain | (orders[rows] == 0), np.maximum(mean[rows], orders[rows]), drawn)
    return consumed, average
