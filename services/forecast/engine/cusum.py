"""Has the error of a forecast changed? Self-starting CUSUMs of level and spread on normal scores.

Scores are first made relative to what they were before, so that a forecast that has always been off by as much does
not alarm, and one whose errors change does. Sources: Page (1954), Continuous inspection schemes, Biometrika 41, for
the CUSUM; Hinkley (1970), Inference about the change-point in a sequence of random variables, Biometrika 57, for when
a change began; Hawkins (1987), Self-starting CUSUM charts for location and scale, The Statistician 36; Hawkins (1981),
A CUSUM for a scale parameter, JQT 13, for the root of absolute values, whose mean and deviation for a standard normal
are 0.822 and 0.349.

Shapes: n series, T periods.
"""

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np

from services.forecast.engine.cells import Bools, Floats, Ints
from services.forecast.engine.scores import MOST

type Signal = Literal["level", "spread"]

ALLOWANCE = 0.5  # half the shift, in deviations, that is looked for first
MEMORY = 0.95  # of what scores were, a period
TRUST = 6.0  # periods that the baseline counts as
_ROOT_MEAN, _ROOT_DEVIATION = 0.82218, 0.34915


@dataclass(frozen=True)
class Baseline:
    """Mean and variance of scores of a healthy series: those of the backtest."""

    mean: float = 0.0
    variance: float = 1.0

    @classmethod
    def of(cls, scores: Floats) -> Self:
        """Of scores [n, T]: the mean over all, and the variance within series; standard normal with less than two."""
        known = ~np.isnan(scores)
        count = known.sum(axis=1, keepdims=True)
        freedom = int(np.maximum(count - 1, 0).sum())
        if not freedom:
            return cls()
        filled = np.where(known, scores, 0.0)
        within = np.where(known, filled - filled.sum(axis=1, keepdims=True) / np.maximum(count, 1), 0.0)
        variance = float((within**2).sum() / freedom)
        return cls(float(filled.sum() / known.sum()), variance if variance > 0 else 1.0)


def relative(scores: Floats, baseline: Baseline) -> Floats:
    """`scores` [n, T], each less the mean of the earlier ones and over their deviation, at most MOST either way.

    The baseline counts as TRUST periods before the first; what is further back fades. NaN stays NaN.
    """
    n, length = scores.shape
    found = np.full((n, length), np.nan)
    weight = np.full(n, TRUST)
    mean, variance = np.full(n, baseline.mean), np.full(n, baseline.variance)
    for period in range(length):
        known = ~np.isnan(scores[:, period])
        reach = np.sqrt(variance * (1 + 1 / weight))
        step = np.clip(np.where(known, scores[:, period] - mean, 0), -MOST * reach, MOST * reach)
        found[:, period] = np.where(known, step / reach, np.nan)
        faded = MEMORY * weight
        heavier = np.where(known, faded + 1, weight)
        grown = (faded * variance + step**2 * weight / (weight + 1)) / heavier
        variance = np.where(known, np.maximum(grown, baseline.variance / 100), variance)
        mean += step / heavier
        weight = heavier
    return found


def rooted(deviations: Floats) -> Floats:
    """The spread of standard normal `deviations` [n, T] as something nearly standard normal itself."""
    found: Floats = (np.sqrt(np.abs(deviations)) - _ROOT_MEAN) / _ROOT_DEVIATION
    return found


@dataclass(frozen=True)
class Run:
    """Which periods raised an alarm [n, T], which way (1 up, -1 down), and in which period the sum had left zero.

    height [n]: how far the sums are after the last period.
    """

    raised: Bools
    direction: Ints
    since: Ints
    height: Floats


@dataclass(frozen=True)
class Change:
    """The newest change of each series [n]: when it was first `raised` (-1: never), `since` when, and which way."""

    raised: Ints
    since: Ints
    direction: Ints


def changes(run: Run, values: Floats) -> Change:
    """Alarms of `values` [n, T] the same way, whose sum left zero right after the one before, tell of the same change.

    It began where, from its first alarm backwards, a step explains the most: the likeliest begin for a known deviation.
    """
    n, length = run.raised.shape
    newest, first = np.full(n, -1, dtype=np.intp), np.full(n, -1, dtype=np.intp)
    since, direction = np.zeros(n, dtype=np.intp), np.zeros(n, dtype=np.intp)
    for period in range(length):
        raised, began, way = run.raised[:, period], run.since[:, period], run.direction[:, period]
        new = raised & ~((direction == way) & (newest >= 0) & (began == newest + 1))
        first, since = np.where(new, period, first), np.where(new, began, since)
        direction, newest = np.where(new, way, direction), np.where(raised, period, newest)
    for row in np.flatnonzero(first >= 0).tolist():
        back = direction[row] * np.nan_to_num(values[row, since[row] : first[row] + 1][::-1])
        since[row] = first[row] - int(np.argmax(back.cumsum() / np.sqrt(np.arange(len(back)) + 1)))
    return Change(first, since, direction)


def cusum(values: Floats, threshold: float, *, both: bool = True, allowance: float = ALLOWANCE) -> Run:
    """Sum what `values` [n, T] exceed the allowance by, upwards and if `both` downwards, from zero up.

    A sum above `threshold` raises an alarm and begins anew. Unknown values (NaN) change nothing.
    """
    n, length = values.shape
    raised, direction = np.zeros((n, length), dtype=bool), np.zeros((n, length), dtype=np.intp)
    since = np.zeros((n, length), dtype=np.intp)
    sums, began = np.zeros((2, n)), np.zeros((2, n), dtype=np.intp)
    for period in range(length):
        now, known = np.nan_to_num(values[:, period]), ~np.isnan(values[:, period])
        moved = np.maximum(sums + np.stack([now, -now if both else np.zeros(n) - MOST]) - allowance, 0)
        began = np.where(known & (sums == 0), period, began)
        sums = np.where(known, moved, sums)
        side = (sums[1] > sums[0]).astype(np.intp)
        raised[:, period] = sums.max(axis=0) > threshold
        direction[:, period] = 1 - 2 * side
        since[:, period] = np.where(side, began[1], began[0])
        sums = np.where(raised[:, period], 0.0, sums)
    return Run(raised, direction, since, sums.max(axis=0))
