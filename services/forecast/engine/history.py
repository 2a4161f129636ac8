"""Running sums over a panel's demand, so that any window of any series costs two look-ups.

Arrays are time-major ([T+1, n] or [T, n]): the cells of one origin lie together in memory.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from services.forecast.engine.calendar import Frequency
from services.forecast.engine.cells import Bools, Floats, Ints

_LEVEL_FLOOR = 0.1  # a level never falls below this share of the long-run mean: silence is not the end
_PROFILE_CAP = 10
_SPIKE = 6  # times the most ever sold in a period: beyond it, one sale says little of the next
_SALES_BEFORE_A_SPIKE = 8


@dataclass(frozen=True)
class Memory:
    """How far back the features look, in periods; one recipe per frequency, nothing per data set."""

    level: int
    lags: int
    windows: tuple[int, ...]
    decays: tuple[float, ...]
    seasons: tuple[int, ...]
    origins: int

    @property
    def youth(self) -> int:
        """Periods after which a series is no longer new: a quarter of the level window."""
        return self.level // 4

    @classmethod
    def of(cls, frequency: Frequency, season: int) -> "Memory":
        match frequency:
            case "D":
                return cls(56, 14, (7, 14, 28, 56, 182), (0.02, 0.1, 0.3), _seasons(season, 364), 480)
            case "W":
                return cls(26, 13, (4, 8, 13, 26, 52), (0.05, 0.15, 0.4), (season,), 104)
            case "M":
                return cls(12, 12, (3, 6, 12, 24), (0.1, 0.3, 0.6), (season,), 36)


def _seasons(short: int, long: int) -> tuple[int, ...]:
    return (short, long) if short < long else (short,)


@dataclass(frozen=True)
class Running:
    """Running sums [T+1, n] of some quantity: `sums[t]` covers the periods before t."""

    sums: Floats

    @classmethod
    def over(cls, values: Floats | Bools, dtype: type[np.floating] | type[np.integer] = np.float64) -> "Running":
        """Sum the time-major `values` [T, n], row by row: numpy's cumsum goes down each column, ten times slower."""
        sums = np.zeros((len(values) + 1, values.shape[1]), dtype=dtype)
        for before, more, after in zip(sums[:-1], values, sums[1:], strict=True):
            np.add(before, more, out=after)
        return cls(sums)

    def window(self, series: Ints, stop: Ints, width: Ints | int) -> Floats:
        """Sum of the `width` periods before index `stop`, cut off at the start of history."""
        found: Floats = self.sums[stop, series] - self.sums[np.maximum(stop - width, 0), series]
        return found


class History:
    """Demand [n, T] of n series over T periods with everything that the features look up, made when first asked for.

    `recorded` is demand as it came, `demand` has its spikes cut.
    """

    def __init__(self, demand: Floats, memory: Memory) -> None:
        self.memory, self.recorded = memory, demand
        self.n, self.length = demand.shape

    @cached_property
    def first(self) -> Ints:
        """Index of each series' first known period, the length of history where there is none."""
        return _first(~np.isnan(self.recorded))

    @cached_property
    def first_sale(self) -> Ints:
        """Index of each series' first sale, the length of history where there is none."""
        return _first(self.recorded > 0)

    @cached_property
    def demand(self) -> Floats:
        return _without_spikes(self.recorded.T)

    @cached_property
    def known(self) -> Running:
        return Running.over(self._known, np.int32)

    @cached_property
    def total(self) -> Running:
        return Running.over(self._filled)

    @cached_property
    def squares(self) -> Running:
        return Running.over(np.square(self._filled, dtype=np.float64))

    @cached_property
    def zeros(self) -> Running:
        return Running.over(self._known & (self._filled == 0), np.int32)

    @cached_property
    def since_sale(self) -> Floats:
        return _since(self.demand > 0)

    @cached_property
    def smoothed(self) -> dict[float, Floats]:
        return {decay: _smoothed(self._filled, self._known, self.first, decay) for decay in self.memory.decays}

    @cached_property
    def seasonal(self) -> dict[int, tuple[Floats, Ints]]:
        return {season: _by_season(self._filled, self._known, season) for season in self.memory.seasons}

    @cached_property
    def relative(self) -> Floats:
        """Demand [T, n] relative to each series' own mean so far, NaN where unknown."""
        found: Floats = np.clip(ratio(self.demand, ratio(self.total.sums[1:], self.known.sums[1:])), 0, _PROFILE_CAP)
        return found

    @cached_property
    def _known(self) -> Bools:
        return ~np.isnan(self.demand)

    @cached_property
    def _filled(self) -> Floats:
        return np.where(self._known, self.demand, np.float32(0))

    def at(self, series: Ints, period: Ints) -> Floats:
        """Demand in units at each (series, period), NaN before the start of history."""
        found: Floats = np.where(period >= 0, self.demand[np.maximum(period, 0), series], np.nan)
        return found

    def mean(self, series: Ints, stop: Ints, width: Ints | int) -> Floats:
        """Mean known demand in the `width` periods before `stop`, NaN where none is known."""
        return ratio(self.total.window(series, stop, width), self.known.window(series, stop, width))

    def level(self, series: Ints, origin: Ints) -> Floats:
        """Units by which a series is scaled at its origin: its recent mean; NaN before its first sale."""
        stop = origin + 1
        long_run = self.mean(series, stop, self.length)
        recent = self.mean(series, stop, self.memory.level)
        level = np.maximum(np.where(recent > 0, recent, long_run), _LEVEL_FLOOR * long_run)
        return np.where(level > 0, level, np.nan)


def ratio(numerator: Floats, denominator: Floats | Ints) -> Floats:
    """Divide where the denominator is positive, NaN elsewhere."""
    positive = denominator > 0
    found: Floats = np.where(positive, numerator / np.where(positive, denominator, 1), np.nan)
    return found


def _without_spikes(demand: Floats) -> Floats:
    """Cut each value of [T, n] to _SPIKE times the most before it; a second one like it has then been seen."""
    cut = np.array(demand, dtype=np.float32, order="C")
    most = np.zeros(demand.shape[1], dtype=np.float32)
    sales = np.zeros(demand.shape[1], dtype=np.int32)
    for now in cut:
        limit = np.where(sales >= _SALES_BEFORE_A_SPIKE, _SPIKE * most, np.float32(np.inf))
        np.fmax(most, now, out=most)
        sales += now > 0
        np.minimum(now, limit, out=now)
    return cut


def _first(found: Bools) -> Ints:
    """Index of the first that was found in each row of [n, T], T where there is none."""
    first: Ints = np.where(found.any(axis=1), found.argmax(axis=1), found.shape[1])
    return first


def _since(sale: Bools) -> Floats:
    """Periods since the last sale, NaN before the first."""
    since = np.full(sale.shape, np.nan, dtype=np.float32)
    last = np.full(sale.shape[1], np.nan, dtype=np.float32)
    for period, sold in enumerate(sale):
        last = np.where(sold, np.float32(0), last + 1)
        since[period] = last
    return since


def _smoothed(filled: Floats, known: Bools, first: Ints, decay: float) -> Floats:
    """Exponentially weighted mean of the known demand so far, [T, n]; NaN before the `first` known period [n]."""
    begins = np.arange(len(filled))[:, None] == first
    gain = np.where(begins, np.float32(1), known * np.float32(decay))
    smoothed, mean, step = np.empty_like(filled), np.zeros_like(filled[0]), np.empty_like(filled[0])
    for now, much, found in zip(filled, gain, smoothed, strict=True):
        np.subtract(now, mean, out=step)
        step *= much
        mean += step
        found[:] = mean
    smoothed[np.arange(len(filled))[:, None] < first] = np.nan
    return smoothed


def _by_season(filled: Floats, known: Bools, season: int) -> tuple[Floats, Ints]:
    """Sum and count over the same season of all earlier cycles, the period itself included."""
    sums, counts = filled.astype(np.float64), known.astype(np.int32)
    for period in range(season, len(sums)):
        sums[period] += sums[period - season]
        counts[period] += counts[period - season]
    return sums, counts
