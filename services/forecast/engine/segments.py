"""Demand classes by interval and variation of sales, and by volume.

Sources: Syntetos, Boylan and Croston (2005), "On the categorization of demand patterns", JORS 56(5);
cut-offs 1.32 for the average demand interval and 0.49 for the squared coefficient of variation. Silver, Pyke and
Thomas (2017), Inventory and Production Management in Supply Chains, for A, B and C.
"""

import numpy as np

from services.forecast.engine.cells import Floats, Ints
from services.forecast.engine.history import ratio

SEGMENTS = ("smooth", "erratic", "intermittent", "lumpy")
INTERVAL_CUT = 1.32
VARIATION_CUT = 0.49
VOLUMES = ("A", "B", "C")
VOLUME_CUTS = (0.8, 0.95)  # of all demand, from the largest series down
_ROWS = 1024  # looked at together, to bound memory


def segments(demand: Floats) -> Ints:
    """Index into SEGMENTS for each series of `demand` [n, T] (NaN unknown); never sold is intermittent."""
    parts = [_segments(demand[start : start + _ROWS]) for start in range(0, len(demand), _ROWS)]
    return np.concatenate([np.zeros(0, dtype=np.intp), *parts])


def _segments(demand: Floats) -> Ints:
    sold = demand > 0
    sizes = np.where(sold, demand, 0).astype(np.float64)
    count = sold.sum(axis=1)
    interval = ratio((~np.isnan(demand)).sum(axis=1), count)
    mean = ratio(sizes.sum(axis=1), count)
    variation = ratio((sizes**2).sum(axis=1), count) / mean**2 - 1
    rare = ~(interval <= INTERVAL_CUT)
    varied = variation > VARIATION_CUT
    return (rare * 2 + varied).astype(np.intp)


def volumes(demand: Floats) -> Ints:
    """Index into VOLUMES for each series of `demand` [n, T] (NaN unknown), by its units over all of history.

    The one that crosses a cut still belongs before it; among equals the earlier one does.
    """
    units = np.nansum(demand, axis=1, dtype=np.float64)
    order = np.argsort(-units, kind="stable")
    total = units.sum()
    before = (np.cumsum(units[order]) - units[order]) / (total if total > 0 else 1)
    found = np.empty(len(units), dtype=np.intp)
    found[order] = np.searchsorted(VOLUME_CUTS, before, side="right")
    found[units <= 0] = len(VOLUMES) - 1
    return found
