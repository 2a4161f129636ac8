"""Exponential smoothing of all series at once: level, damped trend or Theta's drift, season added or multiplied.

Every candidate runs through history once, so that its one-step errors are made out of sample; candidates are
averaged for each series by those errors. Sources: Hyndman et al. (2008), Forecasting with exponential smoothing,
in error-correction form; Assimakopoulos and Nikolopoulos (2000) with Hyndman and Billah (2003) for the Theta
method as smoothing with half the linear trend as drift.
"""

from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np

from services.forecast.engine.cells import Bools, Floats, Ints

type Trend = Literal["none", "damped", "theta"]
type Season = Literal["none", "added", "multiplied"]

_ALPHAS = (0.03, 0.1, 0.3, 0.6)
_BETA = 0.1  # of alpha, for the trend
_PHI = 0.9
_GAMMA = 0.1  # least gain of the season
_MEMORY = 0.99  # of squared errors, a period
_SHARPNESS = 5.0  # power of the inverse mean squared error by which candidates are weighed
_ERRORS_PER_POWER = 4  # few errors hardly tell candidates apart
_LEAST_TRUST = 0.1
_INDEX = (0.05, 20.0)
_LEAST_FOR_DRIFT = 4  # periods


@dataclass(frozen=True)
class Candidates:
    """C ways to smooth: gains [C, 1] and which trend and season each has [C]."""

    alpha: Floats
    damped: Bools
    theta: Bools
    added: Bools
    multiplied: Bools

    @classmethod
    def all(cls, *, seasonal: bool) -> "Candidates":
        trends: tuple[Trend, ...] = ("none", "damped", "theta")
        seasons: tuple[Season, ...] = ("none", "added", "multiplied") if seasonal else ("none",)
        ways = list(product(_ALPHAS, trends, seasons))
        return cls(
            alpha=np.array([[alpha] for alpha, _, _ in ways], dtype=np.float32),
            damped=np.array([trend == "damped" for _, trend, _ in ways]),
            theta=np.array([trend == "theta" for _, trend, _ in ways]),
            added=np.array([season == "added" for _, _, season in ways]),
            multiplied=np.array([season == "multiplied" for _, _, season in ways]),
        )


class Smoothing:
    """States of C candidates for n series, moved on one period at a time."""

    def __init__(self, n: int, season: int) -> None:
        self.ways = Candidates.all(seasonal=season > 1)
        count = len(self.ways.alpha)
        self.season = season
        self.level: Floats = np.full((count, n), np.nan, dtype=np.float32)
        self.trend: Floats = np.zeros((count, n), dtype=np.float32)
        self.drift = Drift(n)
        self.added = np.zeros((count, season, n), dtype=np.float32)
        self.multiplied = np.ones((count, season, n), dtype=np.float32)
        self.age = np.zeros(n, dtype=np.int32)
        self.recent = np.full((season, n), np.nan, dtype=np.float32)
        self.squares = np.zeros((count, n), dtype=np.float32)
        self.weight = np.zeros(n, dtype=np.float32)

    def observe(self, period: int, demand: Floats) -> None:
        """Move on by one period with demand [n], NaN where unknown."""
        now, known = period % self.season, ~np.isnan(demand)
        began = known & np.isnan(self.level[0])
        self.level[:, began] = demand[began]
        added, multiplied = self.added[:, now], self.multiplied[:, now]
        base = self.level + self.trend * _PHI + self.ways.theta[:, None] * self.drift.half()
        error = np.where(known, demand - (base * multiplied + added), 0)
        self._judge(error, known)
        gain = self.ways.alpha * np.where(known, (demand - added) / multiplied - base, 0)
        self.level = base + gain
        self.trend = self.trend * _PHI + _BETA * gain * self.ways.damped[:, None]
        self._turn(now, demand, error, known)
        self.recent[now] = np.where(known, demand, self.recent[now])
        self.drift.observe(self.recent.mean(axis=0))
        self.age += known | (self.age > 0)
        self._start_season()

    def forecast(self, period: int, series: Ints, horizon: Ints) -> tuple[Floats, Floats]:
        """Demand of (series, horizon) [r] after `period`: by exponential smoothing, and by Theta."""
        then = (period + horizon) % self.season
        base = self.level[:, series] + self._ahead(series, horizon)
        told = base * self.multiplied[:, then, series] + self.added[:, then, series]
        asked, place = np.unique(series, return_inverse=True)
        weight = self._weights(asked)[:, place]
        return _average(told, weight * ~self.ways.theta[:, None]), _average(told, weight * self.ways.theta[:, None])

    def _ahead(self, series: Ints, horizon: Ints) -> Floats:
        damped = self.trend[:, series] * (_PHI * (1 - _PHI**horizon) / (1 - _PHI))
        found: Floats = damped + self.ways.theta[:, None] * (self.drift.half()[series] * horizon)
        return found

    def _weights(self, series: Ints) -> Floats:
        """Weight [C, m] of each candidate for `series` [m] by its errors so far."""
        count = self.weight[series]
        error = self.squares[:, series] / np.maximum(count, 1) + 1e-6 * self.level[:, series] ** 2 + 1e-12
        power = np.minimum(_SHARPNESS, count / _ERRORS_PER_POWER)
        found: Floats = (error / error.min(axis=0)) ** -power
        # A season seen once is hardly known: its candidates come to count as a second cycle tells.
        doubt = np.clip(self.age[series] / self.season - 1, _LEAST_TRUST, 1)
        found[self.ways.added | self.ways.multiplied] *= doubt
        return found

    def _judge(self, error: Floats, known: Bools) -> None:
        judged = known & (self.age > 0)
        self.squares = np.where(judged, self.squares * _MEMORY + error**2, self.squares)
        self.weight = np.where(judged, self.weight * _MEMORY + 1, self.weight)

    def _turn(self, now: int, demand: Floats, error: Floats, known: Bools) -> None:
        """Move the season of this period by what was seen."""
        cycles = self.age // self.season
        gain = np.where(known & (cycles > 0), np.maximum(_GAMMA, 1 / (cycles + 1)), 0).astype(np.float32)
        self.added[:, now] += self.ways.added[:, None] * gain * (1 - self.ways.alpha) * error
        level = np.where(self.level > 0, self.level, np.inf)
        index = np.clip(np.where(known, demand, 0) / level, *_INDEX)
        self.multiplied[:, now] += self.ways.multiplied[:, None] * gain * (index - self.multiplied[:, now])

    def _start_season(self) -> None:
        """Where a first cycle is complete, take the season from it."""
        rows = np.flatnonzero(self.age == self.season)
        if self.season == 1 or not len(rows):
            return
        cycle = self.recent[:, rows]
        mean = np.nanmean(cycle, axis=0)
        filled = np.where(np.isnan(cycle), mean, cycle)
        for way in np.flatnonzero(self.ways.added):
            self.added[way][:, rows] = filled - mean
            self.level[way, rows] = mean
        index = np.clip(filled / np.where(mean > 0, mean, 1), *_INDEX)
        for way in np.flatnonzero(self.ways.multiplied & (mean.size > 0)):
            self.multiplied[way][:, rows] = np.where(mean > 0, index, 1)
            self.level[way, rows] = mean


class Drift:
    """Linear trend of what was observed so far, by running sums over each series' own age."""

    def __init__(self, n: int) -> None:
        self.sums = np.zeros((5, n))
        self.clock = np.zeros(n)

    def observe(self, values: Floats) -> None:
        """Move on by one period with values [n] that hold no season, NaN where unknown."""
        known = ~np.isnan(values)
        y = np.where(known, values, 0).astype(np.float64)
        t = self.clock * known
        self.sums += [known, t, t * t, y, t * y]
        self.clock += known | (self.clock > 0)

    def half(self) -> Floats:
        """Half the slope [n], in units a period; 0 before the fourth period."""
        count, t, tt, y, ty = self.sums
        spread = tt - t * t / np.maximum(count, 1)
        slope = (ty - t * y / np.maximum(count, 1)) / np.where(spread > 0, spread, 1)
        found: Floats = np.where((count >= _LEAST_FOR_DRIFT) & (spread > 0), slope / 2, 0)
        return found


def _average(values: Floats, weights: Floats) -> Floats:
    found: Floats = np.maximum((values * weights).sum(axis=0) / weights.sum(axis=0), 0)
    return found
