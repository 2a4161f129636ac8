"""Demand classes by interval and variation of sales.

Source: Syntetos, Boylan and Croston (2005), "On the categorization of demand patterns", JORS 56(5);
cut-offs 1.32 for the average demand interval and 0.49 for the squared coefficient of variation.
"""

import numpy as np

from services.forecast.engine.cells import Floats, Ints
from services.forecast.engine.history import ratio

SEGMENTS = ("smooth", "erratic", "intermittent", "lumpy")
INTERVAL_CUT = 1.32
VARIATION_CUT = 0.49


def segments(demand: Floats) -> Ints:
    """Index into SEGMENTS for each series of `demand` [n, T] (NaN unknown); never sold is intermittent."""
    sold = demand > 0
    sizes = np.where(sold, demand, 0).astype(np.float64)
    count = sold.sum(axis=1)
    interval = ratio((~np.isnan(demand)).sum(axis=1), count)
    mean = ratio(sizes.sum(axis=1), count)
    variation = ratio((sizes**2).sum(axis=1), count) / mean**2 - 1
    rare = ~(interval <= INTERVAL_CUT)
    varied = variation > VARIATION_CUT
    return (rare * 2 + varied).astype(np.intp)
