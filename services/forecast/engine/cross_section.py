"""What all series of a panel tell together, gathered block by block: given it, each block can be forecast alone."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from services.forecast.engine.cells import Floats, Ints
from services.forecast.engine.driver_features import DriverHistory
from services.forecast.engine.history import History, Memory, ratio
from services.forecast.engine.panel import Panel

_BLOCK_SERIES = 1024  # their states fit into a processor's cache
_BLOCK_VALUES = 4_000_000  # series x periods: a block of float64 sums is 32 MB


def blocks(series: int, periods: int) -> Iterator[slice]:
    """Cut so many series of so many periods into blocks; the same numbers always give the same blocks."""
    size = max(min(_BLOCK_SERIES, _BLOCK_VALUES // periods), 1)
    return (slice(start, min(start + size, series)) for start in range(0, series, size))


@dataclass(frozen=True)
class CrossSection:
    """Of n series over T periods of history and H of future.

    profile: mean over the series of demand relative to each one's own mean so far, [T]; 1 where nothing is known.
    rivals: number of the group that a shopper compares, [n]. markets: by name of a price known ahead, the mean over
    rivals of each one relative to its own recent mean, [T+H, groups]; NaN where unknown.
    """

    profile: Floats
    rivals: Ints
    markets: dict[str, Floats]

    def take(self, rows: slice | Ints) -> "CrossSection":
        """The same for some of the series."""
        return replace(self, rivals=self.rivals[rows])

    @classmethod
    def of(cls, panel: Panel) -> "CrossSection":
        parts = blocks(len(panel.series), len(panel.periods))
        return cls.gathered(panel.series, (panel.take(rows) for rows in parts))

    @classmethod
    def gathered(cls, series: pd.DataFrame, parts: Iterable[Panel]) -> "CrossSection":
        """From panels of consecutive rows of `series` that together are all of them, one in memory at a time."""
        rivals, start = _rivals(series), 0
        demand, prices = _Mean(), dict[str, _Mean]()
        for part in parts:
            memory = Memory.of(part.frequency, part.season)
            relative = History(part.demand, memory).relative
            demand.add(relative, np.zeros(len(part.series), dtype=np.intp), 1)
            own = rivals[start : start + len(part.series)]
            for driver in part.drivers:
                if driver.definition.kind == "price" and driver.definition.known_ahead:
                    price = DriverHistory(driver, memory.level).relative()
                    prices.setdefault(driver.name, _Mean()).add(price, own, int(rivals.max()) + 1)
            start += len(own)
        profile = demand.value()[:, 0]
        markets = {name: mean.value() for name, mean in prices.items()}
        return cls(np.where(np.isnan(profile), 1.0, profile), rivals, markets)


class _Mean:
    """Mean of known values by period and group."""

    def __init__(self) -> None:
        self.sums: Floats | float = 0.0
        self.counts: Ints | int = 0

    def add(self, values: Floats, group: Ints, groups: int) -> None:
        """Add `values` [T, n] of series whose groups are `group` [n]."""
        known = ~np.isnan(values)
        order = np.argsort(group, kind="stable")
        present, starts = np.unique(group[order], return_index=True)
        sums = np.zeros((len(values), groups))
        counts = np.zeros((len(values), groups), dtype=np.int32)
        sums[:, present] = np.add.reduceat(np.where(known, values, 0)[:, order], starts, axis=1)
        counts[:, present] = np.add.reduceat(known[:, order], starts, axis=1, dtype=np.int32)
        self.sums, self.counts = self.sums + sums, self.counts + counts

    def value(self) -> Floats:
        return ratio(np.asarray(self.sums), np.asarray(self.counts))


def _rivals(series: pd.DataFrame) -> Ints:
    """Group number [n] of the series that a shopper compares: same location and, if told, same category."""
    keys = [key for key in ("location", "category") if key in series.columns]
    groups = series.groupby(keys, dropna=False, sort=True).ngroup()
    return np.asarray(groups, dtype=np.intp)
