"""Exponential smoothing of all series at once: level, trend or Theta's drift, season added or multiplied.

Every candidate runs through history once, so that its one-step errors are made out of sample; candidates are
averaged for each series by those errors. A trend that fades soon stands beside one that lasts: one-step errors hardly
tell them apart, over a whole horizon much hangs on it, so that each is a forecast of its own. Sources: Hyndman et al.
(2008), Forecasting with exponential smoothing, in error-correction form; Gardner and McKenzie (1985) for damping;
Assimakopoulos and Nikolopoulos (2000) with Hyndman and Billah (2003) for the Theta method as smoothing with half the
linear trend as drift.
"""

from typing import Literal

import numpy as np

from services.forecast.engine.cells import Bools, Floats, Ints

type Season = Literal["none", "added", "multiplied"]

_ALPHAS = (0.03, 0.1, 0.3, 0.6)
_TRENDED, _THETA = slice(len(_ALPHAS), 3 * len(_ALPHAS)), slice(3 * len(_ALPHAS), 4 * len(_ALPHAS))
_WAYS = _THETA.stop
_ALPHA = np.tile(np.array(_ALPHAS, dtype=np.float32), 4)[:, None]
_BETA = 0.1  # of alpha, for the trend
_PHIS = (0.9, 0.98)  # of a damped and of a lasting trend
_PHI = np.repeat(np.array(_PHIS, dtype=np.float32), len(_ALPHAS))[:, None]
_GAMMA = 0.1  # least gain of the season
_MEMORY = np.float32(0.99)  # of squared errors, a period
_SHARPNESS = 5.0  # power of the inverse mean squared error by which candidates are weighed
_ERRORS_PER_POWER = 4  # few errors hardly tell candidates apart
_LEAST_TRUST = 0.1
_INDEX = (0.05, 20.0)
_LEAST_FOR_DRIFT = 4  # periods


class Smoothing:
    """States of all candidates for n series, moved on one period at a time."""

    def __init__(self, n: int, season: int) -> None:
        seasons: tuple[Season, ...] = ("none", "added", "multiplied") if season > 1 else ("none",)
        self.kinds = [Candidates(kind, n, season) for kind in seasons]
        self.season = season
        self.drift = Drift(n)
        self.age = np.zeros(n, dtype=np.int32)
        self.recent = Recent(n, season)
        self.weight = np.zeros(n, dtype=np.float32)

    def observe(self, period: int, demand: Floats) -> None:
        """Move on by one period with demand [n], NaN where unknown."""
        now, known = period % self.season, ~np.isnan(demand)
        seen = np.where(known, demand, np.float32(0))
        began, judged = known & (self.age == 0), known & (self.age > 0)
        memory = np.where(judged, _MEMORY, np.float32(1))
        half, turn = self.drift.half(), self._turn(known)
        for kind in self.kinds:
            kind.begin(seen, began)
            kind.observe(now, seen, known, memory, half, turn)
        self.weight *= memory
        self.weight += judged
        self.recent.observe(now, demand, known)
        self.drift.observe(self.recent.mean())
        self.age += known | (self.age > 0)
        self._start_season()

    def forecast(self, period: int, series: Ints, horizon: Ints) -> Floats:
        """Demand of (series, horizon) [r] after `period`, [3, r]: with a damped trend, by Theta, with a lasting trend.

        Both trends stand beside the mere level, from which errors so far have to set them apart.
        """
        asked, place = np.unique(series, return_inverse=True)
        then = (period + horizon) % self.season
        reach = np.array([phi * (1 - phi**horizon) / (1 - phi) for phi in _PHIS], dtype=np.float32)
        drift = self.drift.half()[series] * horizon.astype(np.float32)
        weights = self._weights(asked)
        pairs = zip(self.kinds, weights, strict=True)
        told = np.sum([kind.forecast(weight, asked, place, then, reach, drift) for kind, weight in pairs], axis=0)
        total = np.sum([_by_forecast(weight) for weight in weights], axis=0)
        found: Floats = np.where(self.age[series] > 0, np.maximum(told / total[:, place], 0), np.nan)
        return found

    def _weights(self, series: Ints) -> list[Floats]:
        """Weight [ways, m] of each kind's candidates for `series` [m] by their errors so far."""
        count = self.weight[series]
        errors = [kind.error(series, np.maximum(count, 1)) for kind in self.kinds]
        least = np.min([error.min(axis=0) for error in errors], axis=0)
        power = np.minimum(np.float32(_SHARPNESS), count / _ERRORS_PER_POWER)
        # A season seen once is hardly known: its candidates come to count as a second cycle tells.
        doubt = np.clip(self.age[series] / self.season - 1, _LEAST_TRUST, 1).astype(np.float32)
        weights = [(error / least) ** -power for error in errors]
        return [weights[0], *(weight * doubt for weight in weights[1:])]

    def _turn(self, known: Bools) -> Floats | None:
        """By how much [n] what is seen moves the season of its period; None where no series has one yet."""
        cycles = self.age // self.season
        if self.season == 1 or not cycles.any():
            return None
        return np.where(known & (cycles > 0), np.maximum(_GAMMA, 1 / (cycles + 1)), 0).astype(np.float32)

    def _start_season(self) -> None:
        """Where a first cycle is complete, take the season from it."""
        rows = np.flatnonzero(self.age == self.season)
        if self.season == 1 or not len(rows):
            return
        cycle = self.recent.values[:, rows]
        mean = np.nanmean(cycle, axis=0)
        filled = np.where(np.isnan(cycle), mean, cycle)
        for kind in self.kinds:
            kind.start_season(rows, filled, mean)


class Candidates:
    """States [ways, n] of the ways to smooth that share one `kind` of season.

    Ways are the gains without trend, then with a damped one, a lasting one, and Theta's drift. A series that has not
    begun has level 0.
    """

    def __init__(self, kind: Season, n: int, season: int) -> None:
        self.kind = kind
        self.level = np.zeros((_WAYS, n), dtype=np.float32)
        self.trend = np.zeros((len(_PHI), n), dtype=np.float32)
        self.squares = np.zeros((_WAYS, n), dtype=np.float32)
        shape = (_WAYS, season if kind != "none" else 0, n)
        self.index = np.full(shape, 1 if kind == "multiplied" else 0, dtype=np.float32)
        self._base, self._error = np.empty_like(self.level), np.empty_like(self.level)

    def begin(self, seen: Floats, began: Bools) -> None:
        if began.any():
            self.level[:, began] = seen[began]

    def observe(self, now: int, seen: Floats, known: Bools, memory: Floats, half: Floats, turn: Floats | None) -> None:
        """Move on by one period: demand `seen` [n], where `known`, in season `now`, with drift `half` [n].

        memory: what becomes of former squared errors, [n]. Works in place: this is where large panels spend their time.
        """
        base, error, index = self._base, self._error, self.index[:, now] if self.kind != "none" else None
        self.trend *= _PHI
        np.copyto(base, self.level)
        base[_TRENDED] += self.trend
        base[_THETA] += half
        told = base
        if index is not None:
            told = (np.add if self.kind == "added" else np.multiply)(base, index, out=error)
        np.subtract(seen, told, out=error)
        error *= known
        self.squares *= memory
        gain = np.multiply(error, error, out=self.level)
        self.squares += gain
        np.multiply(error, _ALPHA, out=gain)
        if self.kind == "multiplied":
            gain /= index
        self.trend += np.float32(_BETA) * gain[_TRENDED]
        self.level += base
        if turn is not None and index is not None:
            self._turn(index, seen, turn)

    def forecast(self, weight: Floats, asked: Ints, place: Ints, then: Ints, reach: Floats, drift: Floats) -> Floats:
        """Weighted sums [3, r] of what the ways say, as in `Smoothing.forecast`.

        weight: [ways, m] of the series `asked` [m]. Of each cell: its `place` [r] among them, the season `then`, and
        how often either trend (`reach` [2, r]) and by how much the `drift` moves it.
        """
        level, trend = weight * self.level[:, asked], weight[_TRENDED] * self.trend[:, asked]
        if self.kind != "multiplied":
            told = _by_forecast(level)[:, place]
            told[::2] += trend.reshape(2, -1, len(asked)).sum(axis=1)[:, place] * reach
            told[1] += weight[_THETA].sum(axis=0)[place] * drift
            if self.kind == "added":
                told += _by_forecast(weight[:, place] * self.index[:, then, asked[place]])
            return told
        ways = level[:, place]
        ways[_TRENDED] += trend[:, place] * np.repeat(reach, len(_ALPHAS), axis=0)
        ways[_THETA] += weight[_THETA][:, place] * drift
        ways *= self.index[:, then, asked[place]]
        return _by_forecast(ways)

    def error(self, series: Ints, count: Floats) -> Floats:
        """Mean squared error [ways, m] of `series` [m] over `count` [m] periods, never 0."""
        found: Floats = self.squares[:, series] / count
        return found + np.float32(1e-6) * self.level[:, series] ** 2 + np.float32(1e-12)

    def start_season(self, rows: Ints, cycle: Floats, mean: Floats) -> None:
        """Take the season of these `rows` [m] from a whole `cycle` [season, m] and its `mean` [m]."""
        if self.kind == "none":
            return
        if self.kind == "added":
            self.index[:, :, rows] = cycle - mean
        else:
            index = np.clip(cycle / np.where(mean > 0, mean, 1), *_INDEX)
            self.index[:, :, rows] = np.where(mean > 0, index, 1)
        self.level[:, rows] = mean
        self.trend[:, rows] = 0  # what rose and fell so far was the season

    def _turn(self, index: Floats, seen: Floats, turn: Floats) -> None:
        """Move this period's season `index` [ways, n] by what was seen."""
        if self.kind == "added":
            self._error *= turn * (1 - _ALPHA)
            index += self._error
            return
        level = np.where(self.level > 0, self.level, np.float32(np.inf))
        told = np.clip(np.divide(seen, level, out=level), *_INDEX, out=level)
        told -= index
        told *= turn
        index += told


def _by_forecast(ways: Floats) -> Floats:
    """Sums [3, ...] over the ways [ways, ...] that each of `Smoothing.forecast` is made of."""
    level, damped, lasting, theta = ways.reshape(-1, len(_ALPHAS), *ways.shape[1:]).sum(axis=1)
    return np.array([level + damped, theta, level + lasting])


class Recent:
    """The newest known value of each season, [season, n], NaN where none is known."""

    def __init__(self, n: int, season: int) -> None:
        self.values: Floats = np.full((season, n), np.nan, dtype=np.float32)
        self.sums, self.counts = np.zeros(n), np.zeros(n, dtype=np.int32)

    def observe(self, now: int, demand: Floats, known: Bools) -> None:
        before = self.values[now]
        held = ~np.isnan(before)
        self.sums += np.where(known, demand.astype(np.float64) - np.where(held, before, 0), 0)
        self.counts += known & ~held
        self.values[now] = np.where(known, demand, before)

    def mean(self) -> Floats:
        """Mean [n] over a whole cycle, NaN before each season has a value."""
        return np.where(self.counts == len(self.values), self.sums / len(self.values), np.nan)


class Drift:
    """Linear trend of what was observed so far, by running sums over each series' own age."""

    def __init__(self, n: int) -> None:
        self.sums = np.zeros((5, n))
        self.clock = np.zeros(n)

    def observe(self, values: Floats) -> None:
        """Move on by one period with values [n] that hold no season, NaN where unknown."""
        known = ~np.isnan(values)
        if not known.any():
            return
        y, t = np.where(known, values, 0), self.clock * known
        for row, more in enumerate((known, t, t * t, y, t * y)):
            self.sums[row] += more
        self.clock += known | (self.clock > 0)

    def half(self) -> Floats:
        """Half the slope [n], in units a period; 0 before the fourth period."""
        count, t, tt, y, ty = self.sums
        spread = tt - t * t / np.maximum(count, 1)
        slope = (ty - t * y / np.maximum(count, 1)) / np.where(spread > 0, spread, 1)
        return np.where((count >= _LEAST_FOR_DRIFT) & (spread > 0), slope / 2, 0).astype(np.float32)
