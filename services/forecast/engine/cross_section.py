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
_DEMAND = ""  # no driver has this name
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
        groups = rivals(panel.series)
        parts = blocks(*panel.demand.shape)
        return cls.gathered(groups, (tally(panel.take(rows), groups[rows]) for rows in parts))

    @classmethod
    def gathered(cls, groups: Ints, tallies: Iterable["Tally"]) -> "CrossSection":
        """From those of the parts that together are all series, added up in this order; `groups` [n] are all rivals."""
        totals: dict[str, tuple[Floats, Ints]] = {}
        for found in tallies:
            for part in found:
                shape = (len(part.sums), 1 if part.name == _DEMAND else int(groups.max()) + 1)
                sums, counts = totals.setdefault(part.name, (np.zeros(shape), np.zeros(shape, dtype=np.int32)))
                sums[:, part.groups] += part.sums
                counts[:, part.groups] += part.counts
        means = {name: ratio(sums, counts) for name, (sums, counts) in totals.items()}
        profile = means.pop(_DEMAND)[:, 0]
        return cls(np.where(np.isnan(profile), 1.0, profile), groups, means)


@dataclass(frozen=True)
class Sums:
    """Sums and counts [T, g] of the known values of something, by name, in some `groups` [g] of series."""

    name: str
    groups: Ints
    sums: Floats
    counts: Ints

    @classmethod
    def of(cls, name: str, values: Floats, group: Ints) -> "Sums":
        """Of `values` [T, n] of series whose groups are `group` [n]."""
        known = ~np.isnan(values)
        order = np.argsort(group, kind="stable")
        present, starts = np.unique(group[order], return_index=True)
        sums = np.add.reduceat(np.where(known, values, 0)[:, order], starts, axis=1)
        return cls(name, present, sums, np.add.reduceat(known[:, order], starts, axis=1, dtype=np.int32))


type Tally = list[Sums]


def tally(part: Panel, groups: Ints) -> Tally:
    """What a part of a panel adds to the whole: relative demand, and prices known ahead by rivals' `groups` [n]."""
    memory = Memory.of(part.frequency, part.season)
    everyone = np.zeros(len(part.series), dtype=np.intp)
    prices = [driver for driver in part.drivers if driver.definition.kind == "price" and driver.definition.known_ahead]
    return [
        Sums.of(_DEMAND, History(part.demand, memory).relative, everyone),
        *(Sums.of(price.name, DriverHistory(price, memory.level).relative(), groups) for price in prices),
    ]


def rivals(series: pd.DataFrame) -> Ints:
    """Group number [n] of the series that a shopper compares: same location and, if told, same category."""
    keys = [key for key in ("location", "category") if key in series.columns]
    groups = series.groupby(keys, dropna=False, sort=True).ngroup()
    return np.asarray(groups, dtype=np.intp)
