"""Sums over item-locations that no order or grouping changes, so that parts can be taken out and put in again.

A value is rounded to `FINEST` and split at fixed powers of two into limbs; each limb is a whole number of its power,
and so few bits wide that millions of them add up without rounding. Source: Demmel and Nguyen (2013), Fast reproducible
floating-point summation.
"""

import numpy as np

from services.planner.engine.inputs import Floats

FINEST = 2.0**-24
BITS = 30  # a limb's width: 2**23 of them add up exactly
GRIDS = tuple(FINEST * 2.0 ** (BITS * limb) for limb in (4, 3, 2, 1, 0))  # up to 2**126


def add_up(values: Floats) -> Floats:
    """[L, S] the sums over rows of values [n, S] >= 0, n <= 2**23, as limbs, coarsest first."""
    rest = np.rint(values / FINEST) * FINEST
    sums = np.zeros((len(GRIDS), values.shape[1]))
    highest = rest.max(initial=0.0)
    for limb, grid in enumerate(GRIDS):
        if highest >= grid:
            part = np.floor(rest / grid) * grid
            sums[limb] = part.sum(axis=0)
            rest -= part
    return sums


def total(limbs: Floats) -> Floats:
    """[S] what limbs [L, S] stand for, rounded once per limb, the coarsest first."""
    found = np.zeros(limbs.shape[1])
    for limb in limbs:
        found = found + limb
    return found
