"""How good forecasts were, by groups: the figures of `metrics`, gathered block by block.

Shapes: b item-locations, h periods, K quantiles at QUANTILES, T periods of history; numbers in units.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from services.forecast.engine.cells import QUANTILES, Bools, Floats, Ints
from services.forecast.engine.metrics import decile_loss, row_mean, seasonal_scale

_MEDIAN = QUANTILES.index(0.5)


@dataclass(frozen=True)
class Scales:
    """What errors are divided by, [b]: root mean squared step and mean absolute seasonal difference of the history."""

    step: Floats
    seasonal: Floats

    @classmethod
    def of(cls, history: Floats, season: int) -> Self:
        """Of `history` [b, T] up to the origin; NaN where it has none."""
        step = np.sqrt(row_mean(np.diff(history, axis=1) ** 2))
        return cls(step, seasonal_scale(history, season))


@dataclass(frozen=True)
class Figures:
    """The accuracy of one group: None where a figure is not defined.

    n: cells measured; censored: cells out of stock, left out; series: item-locations of a forecast that were measured.
    WQL is the decile loss over demand. WMAPE judges the median, bias and RMSSE the mean. RMSSE and the scaled pinball
    loss are means over those of the series that have a scale; `*_left_out` counts those that have none.
    """

    n: int
    censored: int
    series: int
    wql: float | None
    wmape: float | None
    bias: float | None
    rmsse: float | None
    rmsse_left_out: int
    scaled_pinball: float | None
    scaled_pinball_left_out: int
    coverage_80: float | None
    coverage_95: float | None


_N, _CENSORED, _SERIES, _DEMAND, _ABSOLUTE, _ERROR, _IN_80, _IN_95, _RMSSE, _STEPPED, _PINBALL, _SEASONED, _LOSS = (
    range(13)
)


class Tally:
    """Sums of errors [groups, 13] from which each group's figures follow."""

    def __init__(self, groups: int) -> None:
        self.sums = np.zeros((groups, 13))

    def add(
        self, group: Ints, demand: Floats, censored: Bools, mean: Floats, quantiles: Floats, scales: Scales
    ) -> None:
        """Count b item-locations, each into its `group` [b].

        demand [b, h], NaN where unknown; censored, mean [b, h]; quantiles [b, h, K].
        """
        known = ~np.isnan(demand)
        judged = known.any(axis=1)
        loss = decile_loss(demand, quantiles)
        squares, losses = row_mean((demand - mean) ** 2), row_mean(loss)
        stepped, seasoned = judged & (scales.step > 0), judged & (scales.seasonal > 0)
        columns = [
            known.sum(axis=1),
            censored.sum(axis=1),
            judged,
            np.nansum(demand, axis=1),
            np.nansum(np.abs(demand - quantiles[..., _MEDIAN]), axis=1),
            np.nansum(mean - demand, axis=1),
            _inside(demand, quantiles, 1),
            _inside(demand, quantiles, 0),
            _quotient(np.sqrt(squares), scales.step, stepped),
            stepped,
            _quotient(losses, scales.seasonal, seasoned),
            seasoned,
            np.nansum(loss, axis=1),
        ]
        for number, column in enumerate(columns):
            self.sums[:, number] += np.bincount(group, weights=column, minlength=len(self.sums))

    def figures(self) -> list[Figures | None]:
        """Of each group; None of one without a cell."""
        return [_figures(sums) if sums[_N] + sums[_CENSORED] else None for sums in self.sums]


def _inside(demand: Floats, quantiles: Floats, place: int) -> Ints:
    """How many cells [b] lie in the interval between the quantile at `place` and its mirror."""
    inside = (demand >= quantiles[..., place]) & (demand <= quantiles[..., -1 - place])
    count: Ints = inside.sum(axis=1)
    return count


def _quotient(errors: Floats, scales: Floats, usable: Bools) -> Floats:
    return np.divide(errors, scales, out=np.zeros(len(errors)), where=usable)


def _figures(sums: Floats) -> Figures:
    return Figures(
        n=int(sums[_N]),
        censored=int(sums[_CENSORED]),
        series=int(sums[_SERIES]),
        wql=_share(sums[_LOSS], sums[_DEMAND]),
        wmape=_share(sums[_ABSOLUTE], sums[_DEMAND]),
        bias=_share(sums[_ERROR], sums[_DEMAND]),
        rmsse=_share(sums[_RMSSE], sums[_STEPPED]),
        rmsse_left_out=int(sums[_SERIES] - sums[_STEPPED]),
        scaled_pinball=_share(sums[_PINBALL], sums[_SEASONED]),
        scaled_pinball_left_out=int(sums[_SERIES] - sums[_SEASONED]),
        coverage_80=_share(sums[_IN_80], sums[_N]),
        coverage_95=_share(sums[_IN_95], sums[_N]),
    )


def _share(part: float, whole: float) -> float | None:
    return float(part / whole) if whole > 0 else None
