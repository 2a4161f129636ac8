"""Demand history and drivers of one planning area as aligned arrays: the only input of the engine."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from services.forecast.engine import alignment
from services.forecast.engine.calendar import Calendar, Frequency
from services.forecast.engine.cells import Dates, Floats, Ints

type Gaps = Literal["zero", "unknown"]
type DriverKind = Literal["price", "promotion", "weather", "economic", "event"]

DEFAULT_SEASON: dict[Frequency, int] = {"D": 7, "W": 52, "M": 12}


@dataclass(frozen=True)
class DriverDefinition:
    """What a driver is and when it is known.

    A driver that is not known ahead is read with a delay: the value of period p is first used in a
    forecast whose first period is p + `publication_delay` (at least 1, the same as demand).
    """

    name: str
    kind: DriverKind
    known_ahead: bool = True
    publication_delay: int = 1

    def __post_init__(self) -> None:
        if not self.known_ahead and self.publication_delay < 1:
            raise ValueError(f"driver {self.name!r}: publication_delay must be at least 1 period")


@dataclass(frozen=True)
class DriverPanel:
    """A driver's values [n, T+H] for history and future, NaN where unknown."""

    definition: DriverDefinition
    matrix: Floats

    @property
    def name(self) -> str:
        return self.definition.name


@dataclass(frozen=True)
class Panel:
    """n item-locations over T periods of history and H periods to forecast.

    `series` has one row per item-location: `item`, `location` and any attribute columns.
    `demand` [n, T] is in units; NaN means unknown (before the first record, or out of stock: sales in
    a stock-out are censored demand). Negative demand is not a forecast's business and raises ValueError;
    the caller decides what returns mean.
    """

    frequency: Frequency
    season: int
    periods: Dates
    future: Dates
    series: pd.DataFrame
    demand: Floats
    drivers: tuple[DriverPanel, ...] = ()

    def __post_init__(self) -> None:
        shape = (len(self.series), len(self.periods))
        if self.demand.shape != shape:
            raise ValueError(f"demand has shape {self.demand.shape}, expected {shape}")
        if np.isinf(self.demand).any() or (self.demand < 0).any():
            raise ValueError("demand must be finite and not negative")
        for driver in self.drivers:
            if driver.matrix.shape != (shape[0], shape[1] + self.horizon):
                raise ValueError(f"driver {driver.name!r} does not cover history and future")
        if self.season < 1 or self.horizon < 1:
            raise ValueError("season and horizon must be at least 1 period")

    @property
    def horizon(self) -> int:
        return len(self.future)

    @property
    def timeline(self) -> Dates:
        """Bucket starts of history and future, [T+H]."""
        return np.concatenate([self.periods, self.future])

    def until(self, length: int) -> "Panel":
        """Go back to what was known after the first `length` periods, asking for the next H.

        Past-only drivers lose what was not yet published then.
        """
        return replace(
            self,
            periods=self.periods[:length],
            future=self.timeline[length : length + self.horizon],
            demand=self.demand[:, :length],
            drivers=tuple(_known(driver, length, length + self.horizon) for driver in self.drivers),
        )

    def take(self, rows: slice | Ints) -> "Panel":
        """Some of its series."""
        return replace(
            self,
            series=self.series.iloc[rows].reset_index(drop=True),
            demand=self.demand[rows],
            drivers=tuple(replace(driver, matrix=driver.matrix[rows]) for driver in self.drivers),
        )

    @classmethod
    def from_long(
        cls,
        demand: pd.DataFrame,
        *,
        frequency: Frequency,
        horizon: int,
        season: int | None = None,
        gaps: Gaps = "zero",
        first_period: np.datetime64 | None = None,
        last_period: np.datetime64 | None = None,
        item_locations: pd.DataFrame | None = None,
        attributes: Sequence[pd.DataFrame] = (),
        drivers: Sequence[tuple[DriverDefinition, pd.DataFrame]] = (),
    ) -> "Panel":
        """Panel from long tables, series sorted by item and location.

        demand: columns item, location, period (bucket start), quantity [units] and optionally in_stock;
        rows with in_stock false are kept as unknown demand. gaps: a period without a row between a
        series' first record and the end of history is demand `zero` (ERP histories list only periods
        with sales) or `unknown`. first_period, last_period: of history, by default those of the demand.
        item_locations: further (item, location) rows to forecast, such as new ones without history.
        attributes: tables keyed by item, by location or by both; their other columns become attributes.
        drivers: definition and table with period, value and, by scope, item and/or location.
        Raises ValueError for NaN, infinite or negative quantities, duplicate rows, rows after
        `last_period` and periods off the calendar.
        """
        alignment.check_rows(demand, [*alignment.KEYS, "period"], "quantity")
        days = alignment.days(demand["period"])
        end = days.max() if last_period is None else np.datetime64(last_period, "D")
        start = days.min() if first_period is None else np.datetime64(first_period, "D")
        calendar = Calendar.spanning(frequency, start, end, horizon)
        series = alignment.series_table(demand, item_locations, attributes)
        return cls(
            frequency=frequency,
            season=season or DEFAULT_SEASON[frequency],
            periods=calendar.history,
            future=calendar.future,
            series=series,
            demand=alignment.demand_matrix(demand, series, calendar, gaps),
            drivers=tuple(
                DriverPanel(what, alignment.driver_matrix(table, series, calendar)) for what, table in drivers
            ),
        )


def _known(driver: DriverPanel, length: int, end: int) -> DriverPanel:
    matrix = driver.matrix[:, :end]
    if not driver.definition.known_ahead:
        published = np.arange(end) <= length - driver.definition.publication_delay
        matrix = np.where(published, matrix, np.float32(np.nan))
    return replace(driver, matrix=matrix)
