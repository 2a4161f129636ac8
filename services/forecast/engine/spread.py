"""How demand spreads around a forecast that came as a mean alone, by the moments of its own history.

With a certain probability there is no demand; otherwise it follows a gamma distribution. The variance is half the mean
squared difference between periods one season apart: what a seasonal naive forecast errs by, less the half that the old
period adds. So seasons do not count as spread, and a level that drifts within a season does. The variance grows with
the mean to the power 1.5, half-way between the 1 of counts and the 2 of proportional errors; the probability of no
demand falls with it as that of counts does. The share of the variance that neighbouring periods have in common is
their dependence.

It is the spread of demand, not of the forecaster's errors, which nobody knows before they are measured.

Sources: von Neumann (1941), Distribution of the ratio of the mean square successive difference to the variance;
Jorgensen (1987), Exponential dispersion models, for the power variance.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.ndimage import map_coordinates
from scipy.special import gammaincinv, ndtr, ndtri

from services.forecast.engine.cells import QUANTILES, Bools, Floats
from services.forecast.engine.metrics import row_mean

_LEAST_PAIRS = 8
_UNKNOWN = 1.0  # squared coefficient of variation: exponential, the distribution of a known mean that claims least
_MOST_DEPENDENCE = 0.9
_TINY = 1e-9
_LEAST_SHAPE, _MOST_SHAPE, _SHAPES = 1e-2, 1e6, 400  # of the gamma distributions between which is interpolated
_LEAST_SCORE, _MOST_SCORE, _SCORES = -6.0, 2.5, 400


@dataclass(frozen=True)
class Moments:
    """Of n histories, in units: mean `level`, variance `near` between neighbours and `far` over a season.

    `idle` is the share of periods without demand.
    """

    level: Floats
    near: Floats
    far: Floats
    idle: Floats

    @classmethod
    def of(cls, history: Floats, season: int) -> Self:
        """Moments of `history` [n, T]; NaN where it is too short."""
        near, far = _variance(history, 1), _variance(history, season)
        idle = row_mean(np.where(np.isnan(history), np.nan, history == 0))
        return cls(row_mean(history), near, np.where(np.isnan(far), near, far), idle)

    @classmethod
    def joined(cls, parts: list[Self]) -> Self:
        names = ("level", "near", "far", "idle")
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    @property
    def own(self) -> Bools:
        """Whether each history tells its spread."""
        found: Bools = (self.level > 0) & (self.far > 0)
        return found

    def dependence(self) -> float:
        """Correlation of two periods' errors, one for all: the median share of variance that neighbours share."""
        if not self.own.any():
            return 0.0
        apart = self.near[self.own] / self.far[self.own]
        return float(np.clip(1 - np.median(apart), 0, _MOST_DEPENDENCE))

    def quantiles(self, mean: Floats, rows: slice = slice(None)) -> Floats:
        """Quantiles [b, H, K] around `mean` [b, H] of these `rows`; a history that tells nothing takes all medians."""
        own = self.own
        level = np.where(own, self.level, 1)
        variation = np.where(own, self.far, 1) / level**2
        usual = float(np.median(variation[own])) if own.any() else _UNKNOWN
        silent = float(np.median(self.idle[own])) if own.any() else 0.0
        known = own[rows, None]
        size = np.where(known, mean / level[rows, None], 1)
        spread = np.where(known, variation[rows, None], usual) / np.sqrt(np.maximum(size, _TINY))
        idle = np.where(known, self.idle[rows, None], silent) ** size
        return _quantiles(mean, spread, idle)


def _quantiles(mean: Floats, spread: Floats, idle: Floats) -> Floats:
    """Quantiles [n, H, K] of demand with `mean` and squared coefficient of variation `spread`, zero in `idle` of all.

    Where there is demand, it follows the gamma distribution that keeps mean and variance of the whole.
    """
    active = np.maximum(1 - idle, _TINY)
    shape = 1 / np.maximum((spread + 1) * active - 1, 1 / _MOST_SHAPE)
    level = 1 - (1 - np.array(QUANTILES)) / active[..., None]
    relative = _gamma(np.broadcast_to(shape[..., None], level.shape), np.maximum(level, 0))
    found: Floats = np.where(level > 0, relative, 0) * (mean / active)[..., None]
    return found


def _gamma(shape: Floats, level: Floats) -> Floats:
    """Quantiles at `level` of gamma distributions with mean 1, by interpolation in a table."""
    shapes = np.geomspace(_LEAST_SHAPE, _MOST_SHAPE, _SHAPES)
    levels = ndtr(np.linspace(_LEAST_SCORE, _MOST_SCORE, _SCORES))
    table = gammaincinv(shapes[:, None], levels) / shapes[:, None]
    row = np.log(np.maximum(shape, _LEAST_SHAPE) / _LEAST_SHAPE) / np.log(_MOST_SHAPE / _LEAST_SHAPE) * (_SHAPES - 1)
    score = np.maximum(ndtri(level), _LEAST_SCORE)
    column = (score - _LEAST_SCORE) / (_MOST_SCORE - _LEAST_SCORE) * (_SCORES - 1)
    found: Floats = map_coordinates(table, [row, column], order=1, mode="nearest")
    return found


def _variance(history: Floats, gap: int) -> Floats:
    """Half the mean squared difference [n] of periods `gap` apart; NaN with fewer than _LEAST_PAIRS of them."""
    if history.shape[1] <= gap:
        return np.full(len(history), np.nan)
    squares = (history[:, gap:] - history[:, :-gap]) ** 2 / 2
    return np.where((~np.isnan(squares)).sum(axis=1) >= _LEAST_PAIRS, row_mean(squares), np.nan)
