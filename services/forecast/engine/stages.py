"""What each stage of a forecast adds: the error of the stage before less its own, on the same cells.

Source: Gilliland (2013), Forecast value added: a reality check on forecasting practices. Intervals are those of a ratio
estimate with item-locations as clusters: Cochran (1977), Sampling Techniques, section 6.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from services.forecast.engine.cells import Floats, Ints

FEWEST = 5  # series, for an interval
_REACH = NormalDist().inv_cdf(0.975)


def added(errors: Floats) -> Floats:
    """Of `errors` [S] by stage, what each but the first adds, [S-1]: positive is better than the stage before.

    They sum up to the first stage's error less the last one's.
    """
    found: Floats = -np.diff(errors)
    return found


@dataclass(frozen=True)
class Added:
    """A difference of WMAPE with its 95 % bounds: None where it is not defined, or series are too few."""

    value_added: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class StageFigures:
    """Of one group: cells and series; WMAPE and bias by stage [S]; what all but the first stage add, and the total."""

    n: int
    series: int
    wmape: Sequence[float | None]
    bias: Sequence[float | None]
    added: Sequence[Added]
    total: Added


def series_sums(demand: Floats, told: Floats) -> Floats:
    """Sums [c, 2 + 2S] over the periods of demand [c, h] (NaN unknown) and the stages' forecasts `told` [S, c, h].

    Cells known, demand, then by stage the absolute errors, then the errors, in units.
    """
    miss = told - demand
    known = (~np.isnan(demand)).sum(axis=1)
    return np.vstack([known, np.nansum(demand, axis=1), *np.nansum(np.abs(miss), axis=2), *np.nansum(miss, axis=2)]).T


class StageTally:
    """Sums from which each group's figures follow."""

    def __init__(self, groups: int, stages: int) -> None:
        self._stages = stages
        self._sums = np.zeros((groups, 2 + 2 * stages))
        self._series = np.zeros(groups)
        self._squares = np.zeros((groups, 3, stages))  # of demand, of demand x difference, of differences

    def add(self, group: Ints, series: Ints, sums: Floats) -> None:
        """Count the `series_sums` [r, 2 + 2S] of all that is known of some series: `group` [r], `series` [r]."""
        used = sums[:, 0] > 0
        names, place = np.unique(np.stack([group[used], series[used]]), axis=1, return_inverse=True)
        own = np.zeros((names.shape[1], self._sums.shape[1]))
        np.add.at(own, place.ravel(), sums[used])
        errors = own[:, 2 : 2 + self._stages]
        better = np.column_stack([-np.diff(errors, axis=1), errors[:, 0] - errors[:, -1]])
        demand = np.broadcast_to(own[:, [1]], better.shape)
        np.add.at(self._sums, names[0], own)
        np.add.at(self._series, names[0], 1)
        np.add.at(self._squares, names[0], np.stack([demand**2, demand * better, better**2], axis=1))

    def figures(self) -> list[StageFigures | None]:
        """Of each group; None of one without a cell."""
        return [self._figures(number) if self._sums[number, 0] else None for number in range(len(self._sums))]

    def _figures(self, number: int) -> StageFigures:
        n, demand, *errors = self._sums[number].tolist()
        wmape, bias = (
            [error / demand if demand > 0 else None for error in part]
            for part in (errors[: self._stages], errors[self._stages :])
        )
        series = int(self._series[number])
        steps = self._added(np.array(errors[: self._stages]), demand, series, self._squares[number])
        return StageFigures(int(n), series, wmape, bias, steps[:-1], steps[-1])

    @staticmethod
    def _added(errors: Floats, demand: float, series: int, squares: Floats) -> list[Added]:
        if demand <= 0:
            return [Added(None, None, None)] * len(errors)
        values = np.append(added(errors), errors[0] - errors[-1]) / demand
        if series < FEWEST:
            return [Added(value, None, None) for value in values.tolist()]
        residual = np.maximum(squares[2] - 2 * values * squares[1] + values**2 * squares[0], 0)
        reach = _REACH * np.sqrt(residual * series / (series - 1)) / demand
        return [Added(*one) for one in np.stack([values, values - reach, values + reach], axis=1).tolist()]
