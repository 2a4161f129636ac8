"""What automation is worth, from those orders of which it is known what people made of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

FEWEST = 30  # orders of equal weight: from there on the normal bounds are at most 5 % narrower than Student's
Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True)
class Estimate:
    """A mean with 95 % bounds; no bounds of a few, nor of values that are all the same: how they vary is not seen."""

    mean: float | None
    low: float | None
    high: float | None


def weighted(values: Sequence[float], propensities: Sequence[float]) -> Estimate:
    """The mean of all orders from those that were seen, each with its own probability of that, above 0.

    Each counts for 1 / propensity, and these are scaled to their sum; the variance is that of the ratio, linearised,
    and its bounds are normal, as there are FEWEST orders or more of equal weight and the same precision (Kish).
    Source: Hajek (1971); Särndal, Swensson, Wretman (1992), Model Assisted Survey Sampling, 5.7; Kish (1965).
    """
    if not len(values):
        return Estimate(None, None, None)
    value, weight = np.asarray(values, dtype=np.float64), 1 / np.asarray(propensities, dtype=np.float64)
    mean = float(np.average(value, weights=weight))
    effective = float(weight.sum() ** 2 / (weight**2).sum())
    if effective < FEWEST or np.all(value == value[0]):
        return Estimate(mean, None, None)
    errors = weight * (value - mean)
    half = Z * math.sqrt(float((errors**2).sum()) * effective / (effective - 1)) / float(weight.sum())
    return Estimate(mean, mean - half, mean + half)
