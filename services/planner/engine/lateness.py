"""How late a delivery comes on each path, where the lead time has a spread."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from services.planner.engine.inputs import Floats, Supply

APART = np.uint64(0x9E3779B97F4A7C15)  # draws of another kind than the paths that the same seeds give


def lateness(supply: Supply, seeds: NDArray[np.uint64], count: int) -> Floats:
    """[n, S] buckets by which a delivery comes later than the lead time says, negative: sooner; 0 without a spread.

    Normal with the spread as its standard deviation, in equal strata in a random order: independent of demand. No
    delivery comes before its order. An item-location's draws depend on its own seed alone.
    """
    found = np.zeros((len(seeds), count))
    strata = ndtri((np.arange(count) + 0.5) / count)
    for row in np.flatnonzero(supply.lead_spread > 0):
        random = np.random.Generator(np.random.SFC64(int(seeds[row] ^ APART)))
        found[row] = np.maximum(random.permutation(strata) * supply.lead_spread[row], -supply.lead_time[row])
    return found
