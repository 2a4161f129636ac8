"""Forecast consumption: customers' orders are part of what was forecast for their bucket, and more only beyond it."""

import numpy as np

from services.planner.engine.inputs import Floats
from shared.paths import margins


def consume(levels: Floats, grid: Floats, mean: Floats, orders: Floats) -> tuple[Floats, Floats]:
    """Quantiles [n, T, K] and mean [n, T] of demand = max(forecast, orders), of quantiles [n, T, K] at levels [K].

    The larger of two is monotone, so quantiles map to quantiles. Its mean is that of the strata that paths are drawn
    from; where the forecast is certain it is exact.
    """
    cells = np.nonzero(orders > 0)
    quantiles, expected, ordered = grid[cells], mean[cells], orders[cells]
    drawn = margins(levels, quantiles[:, None], expected[:, None])[:, 0].astype(np.float64)
    certain = np.all(quantiles == expected[:, None], axis=1)
    larger = np.maximum(drawn, ordered[:, None]).mean(axis=1)
    consumed, average = grid.copy(), mean.copy()
    consumed[cells] = np.maximum(quantiles, ordered[:, None])
    average[cells] = np.where(certain, np.maximum(expected, ordered), larger)
    return consumed, average
