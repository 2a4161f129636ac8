"""Item-locations moved so that their sums meet what aggregates are told, as far as that is to be trusted.

Generalised to any grouping by weighted least squares, solved without ever forming a summing matrix. Sources:
Wickramasuriya, Athanasopoulos and Hyndman (2019), Optimal forecast reconciliation; Hyndman, Lee and Wang (2016) for
conjugate gradients.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse.linalg import LinearOperator, cg

from services.forecast.engine.cells import Floats
from services.forecast.engine.levels import Level

_BOUNDS = (0.5, 2.0)  # of a factor
_HEAVIEST = 0.98
_MOST = 10  # times its items' sum
_LEAST_DEVIATION = 0.1  # of the size: quantiles of what hardly ever sells may all be 0
_TOLERANCE = 1e-12
_STEPS = 500
_NOTHING = 1e-12  # of all together
_UNHEARD = 1e9  # times its items' variance, a node does not count


@dataclass(frozen=True)
class Told:
    """What the nodes of a level are told, [N] in units (NaN: nothing), and its `weight` 0..1 against the items' sum."""

    level: Level
    target: Floats
    weight: float


def factors(base: Floats, deviation: Floats, told: Sequence[Told]) -> Floats:
    """Factor [n] of each item-location's `base` [n], not negative, in units, which errs by `deviation` [n].

    Minimises sum_i (b_i - base_i)^2 / v_i + sum_m (sum of b in m - target_m)^2 / u_m, where v_i is the deviation's
    square and u_m = (sum of v in m) (1 - w) / w, so that a single level moves its nodes by just the weight w. Without
    any weight every factor is 1. A node that is told more than ten times its items' sum is told ten times as much.
    """
    base = np.where(base < _NOTHING * base.sum(), 0, base)
    variance = np.where(base > 0, np.maximum(deviation, _LEAST_DEVIATION * base) ** 2, 0)
    heard = [_Term.of(base, variance, one) for one in told if one.weight > 0]
    if not heard:
        return np.ones(len(base))
    sizes = np.cumsum([0, *(len(term.gap) for term in heard)])

    def spread(multipliers: Floats) -> Floats:
        parts = zip(heard, sizes, sizes[1:], strict=False)
        return sum((multipliers[start:end][term.level.node] for term, start, end in parts), np.zeros(len(base)))

    def scaled_system(values: Floats) -> Floats:
        multipliers = values / root
        moved = variance * spread(multipliers)
        sums = np.concatenate([term.level.sums(moved) for term in heard])
        found: Floats = (sums + doubt * multipliers) / root
        return found

    doubt = np.concatenate([term.doubt for term in heard])
    root = np.sqrt(np.concatenate([term.variance for term in heard]) + doubt)  # a node counts by its own size
    gap = np.concatenate([term.gap for term in heard]) / root
    operator = LinearOperator((len(gap), len(gap)), matvec=scaled_system, dtype=np.float64)
    solution, _ = cg(operator, gap, rtol=_TOLERANCE, maxiter=_STEPS)
    moved = variance * spread(solution / root)
    found: Floats = 1 + np.divide(moved, base, out=np.zeros(len(base)), where=base > 0)
    return np.clip(found, *_BOUNDS)


@dataclass(frozen=True)
class _Term:
    """A level's nodes as equations: by how much their sums miss what is told, and the variance of either, [N]."""

    level: Level
    gap: Floats
    variance: Floats
    doubt: Floats

    @classmethod
    def of(cls, base: Floats, variance: Floats, told: Told) -> "_Term":
        sums, spread = told.level.sums(base), told.level.sums(variance)
        usable = np.isfinite(told.target) & (spread > 0)
        weight = min(told.weight, _HEAVIEST)
        return cls(
            told.level,
            np.where(usable, np.minimum(told.target, _MOST * sums) - sums, 0),
            spread,
            np.where(spread > 0, spread, 1) * np.where(usable, (1 - weight) / weight, _UNHEARD),
        )
