"""How far the errors of one series' periods go together, so that sums over a lead time are covered.

One figure per demand class: the correlation `rho` of the periods' normal scores that shared.paths
draws with. It is the value at which the 80 % interval of the sum over the whole horizon would have held
80 % of the sums seen in the held-out blocks.
"""

import numpy as np

from services.forecast.engine.cells import QUANTILES, Bools, Floats, Ints
from services.forecast.engine.segments import SEGMENTS
from shared import paths

_CANDIDATES = (0.0, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9)
_NOMINAL = 0.8
_LEAST_SUMS = 60


def dependence(demand: Floats, mean: Floats, quantiles: Floats, segment: Ints, seed: int) -> Floats:
    """Correlation for each of SEGMENTS from m held-out stretches of H periods.

    demand and mean [m, H], quantiles [m, H, K], segment [m]. A class with few stretches gets the
    correlation of all; without any stretch it is 0.
    """
    if not len(demand):
        return np.zeros(len(SEGMENTS))
    inside = np.array([_sum_inside(demand, mean, quantiles, rho, seed) for rho in _CANDIDATES])
    overall = _match(inside.mean(axis=1))
    own = [inside[:, segment == number] for number in range(len(SEGMENTS))]
    return np.array([_match(part.mean(axis=1)) if part.shape[1] >= _LEAST_SUMS else overall for part in own])


def _sum_inside(demand: Floats, mean: Floats, quantiles: Floats, rho: float, seed: int) -> Bools:
    """Whether each stretch's sum lies in the 80 % interval of the sums of its joint paths, [m]."""
    seeds = np.arange(len(demand), dtype=np.uint64) + np.uint64(seed)
    grid, centre = quantiles.astype(np.float64), mean.astype(np.float64)
    drawn = paths.sample(np.array(QUANTILES), grid, centre, rho=rho, seeds=seeds)
    low, high = np.quantile(drawn.sum(axis=2), [(1 - _NOMINAL) / 2, (1 + _NOMINAL) / 2], axis=1)
    total = demand.sum(axis=1)
    inside: Bools = (low <= total) & (total <= high)
    return inside


def _match(coverage: Floats) -> float:
    """Correlation at which the coverage, which grows with it, reaches the nominal one."""
    rising = np.maximum.accumulate(coverage)
    return float(np.interp(_NOMINAL, rising, _CANDIDATES))
