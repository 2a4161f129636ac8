"""Running sums over a panel's demand, so that any window of any series costs two look-ups.

Arrays are time-major ([T+1, n] or [T, n]): the cells of one origin lie together in memory.
"""

from dataclasses import dataclass

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
    def over(cls, values: Floats, dtype: type[np.floating] | type[np.integer] = np.float64) -> "Running":
        """Sum the time-major `values` [T, n]."""
        sums = np.zeros((len(values) + 1, values.shape[1]), dtype=dtype)
        np.cumsum(values, axis=0, dtype=dtype, out=sums[1:])
        return cls(sums)

    def window(self, series: Ints, stop: Ints, width: Ints | int) -> Floats:
        """Sum of the `width` periods before index `stop`, cut off at the start of history."""
        found: Floats = self.sums[stop, series] - self.sums[np.maximum(stop - width, 0), series]
        return found


class History:
    """Demand of n series over T periods, spikes cut, with everything that the features look up."""

    def __init__(self, demand: Floats, memory: Memory) -> None:
        self.memory = memory
        self.demand = _without_spikes(demand.T)
        known = ~np.isnan(self.demand)
        filled = np.where(known, self.demand, np.float32(0))
        self.length, self.n = self.demand.shape
        self.known = Running.over(known, np.int32)
        self.total = Running.over(filled)
        self.squares = Running.over(np.square(filled, dtype=np.float64))
        self.zeros = Running.over(known & (filled == 0), np.int32)
        self.first = np.where(known.any(axis=0), known.argmax(axis=0), self.length)
        self.since_sale = _since(known & (filled > 0))
        self.smoothed = {decay: _smoothed(self.demand, decay) for decay in memory.decays}
        self.seasonal = {season: _by_season(filled, known, season) for season in memory.seasons}
        self.profile = Running.over(_profile(self.demand, self.total, self.known)[:, None])

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
    for period, now in enumerate(demand):
        limit = np.where(sales >= _SALES_BEFORE_A_SPIKE, _SPIKE * most, np.inf)
        cut[period] = np.minimum(now, limit)
        most = np.fmax(most, now)
        sales += now > 0
    return cut


def _since(sale: Bools) -> Floats:
    """Periods since the last sale, NaN before the first."""
    since = np.full(sale.shape, np.nan, dtype=np.float32)
    last = np.full(sale.shape[1], np.nan, dtype=np.float32)
    for period, sold in enumerate(sale):
        last = np.where(sold, np.float32(0), last + 1)
        since[period] = last
    return since


def _smoothed(demand: Floats, decay: float) -> Floats:
    """Exponentially weighted mean of the known demand so far."""
    smoothed = np.empty_like(demand)
    mean = np.full(demand.shape[1], np.nan, dtype=np.float32)
    for period, now in enumerate(demand):
        mean = np.where(np.isnan(mean), now, np.where(np.isnan(now), mean, mean + decay * (now - mean)))
        smoothed[period] = mean
    return smoothed


def _by_season(filled: Floats, known: Bools, season: int) -> tuple[Floats, Ints]:
    """Sum and count over the same season of all earlier cycles, the period itself included."""
    sums, counts = filled.astype(np.float64), known.astype(np.int32)
    for period in range(season, len(sums)):
        sums[period] += sums[period - season]
        counts[period] += counts[period - season]
    return sums, counts


def _profile(demand: Floats, total: Running, known: Running) -> Floats:
    """Mean over the series of demand relative to each one's own mean so far, [T]; 1 where nothing is known."""
    means = ratio(total.sums[1:], known.sums[1:])
    relative = np.clip(ratio(demand, means), 0, _PROFILE_CAP)
    usable = ~np.isnan(relative)
    profile = ratio(np.where(usable, relative, 0).sum(axis=1), usable.sum(axis=1))
    return np.where(np.isnan(profile), 1.0, profile)
