"""Sums over item-locations that no order or grouping changes, so that parts can be taken out and put in again.

A value is rounded to `FINEST` and split at fixed powers of two into limbs; each limb is a whole number of its power,
and so few bits wide that millions of them add up without rounding. Source: Demmel and Nguyen (2013), Fast reproducible
floating-point summation.
"""

import numpy as np

from services.planner.engine.inputs import Floats

FINEST = 2.0**-24
BITS = 30  # a limb's width: 2**23 of them add up exactly
BASE = 2.0**BITS
LIMBS = 5  # up to 2**126
WHOLE = 2.0**53  # whole numbers up to here are exact


def add_up(values: np.ndarray, weights: Floats | None = None) -> Floats:
    """[L, S] the sums over rows of values [n, S] >= 0, times weights [n] >= 0, n <= 2**23, as limbs, coarsest first."""
    scale = 1 / FINEST if weights is None else weights[:, None] / FINEST
    rest = np.multiply(values, scale, dtype=np.float64)
    np.rint(rest, out=rest)
    sums = np.zeros((LIMBS, values.shape[1]))
    highest = rest.max(initial=0.0)
    if highest * len(rest) < WHOLE:
        sums[-1] = np.ones(len(rest)) @ rest
        return carried(sums)
    for limb in range(LIMBS):
        power = BASE ** (LIMBS - 1 - limb)
        if highest >= power:
            part = np.floor(rest / power)
            sums[limb] = part.sum(axis=0)
            rest -= part * power
    return carried(sums)


def carried(limbs: Floats) -> Floats:
    """The same numbers with limbs [L, S] that are whole and in [0, 2**BITS), save the coarsest: there is one way."""
    found = limbs.copy()
    for limb in range(LIMBS - 1, 0, -1):
        over = np.floor(found[limb] / BASE)
        found[limb] -= over * BASE
        found[limb - 1] += over
    return found


def total(limbs: Floats) -> Floats:
    """[S] what limbs [L, S] stand for, rounded once per limb, the coarsest first."""
    found = np.zeros(limbs.shape[1])
    for limb in carried(limbs):
        found = found * BASE + limb
    return found * FINEST
