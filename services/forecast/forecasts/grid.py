"""A forecast's numbers as they are stored, whoever made it."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt
from sqlalchemy.orm import Session

from services.forecast.forecasts.tables import Forecast
from shared import columns
from shared.db import psycopg_connection

COPY = """
    COPY forecast_series (forecast_id, item, location, mean, quantiles, dependence, naive, statistical)
    FROM STDIN (FORMAT binary)
"""
READ = """
    SELECT item, location, array_send(mean), array_send(quantiles), dependence FROM forecast_series
    WHERE forecast_id = %s ORDER BY item, location
"""
COPY_TYPES = ("uuid", "text", "text", "float8[]", "float8[]", "float8", "float8[]", "float8[]")

type Numbers = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Grid:
    """n item-locations x H periods x K levels, in units.

    items, locations: [n]. periods: [H]. mean: [n, H]. quantiles: [n, H, K]. dependence: [n].
    baselines: [n, 2, H], of a model's forecast what seasonal naive and statistics alone say; NaN where that is nothing.
    """

    items: Sequence[str]
    locations: Sequence[str]
    periods: npt.NDArray[np.datetime64]
    mean: Numbers
    quantiles: Numbers
    dependence: Numbers
    baselines: Numbers | None = None

    def store(self, session: Session, forecast: UUID) -> None:
        with psycopg_connection(session).cursor() as cursor, cursor.copy(COPY) as copy:
            copy.set_types(COPY_TYPES)
            for row in self._rows():
                copy.write_row((forecast, *row))

    @classmethod
    def read(cls, session: Session, run: Forecast) -> "Grid":
        """A forecast that is stored, by item and location, without its baselines."""
        with psycopg_connection(session).cursor(binary=True) as cursor:
            rows = cursor.execute(READ, (run.id,)).fetchall()
        items, locations, means, quantiles, dependence = zip(*rows, strict=True)
        horizon, levels = len(run.periods), len(run.quantiles)
        return cls(
            items,
            locations,
            np.array(run.periods, dtype="datetime64[D]"),
            columns.matrix(means, horizon),
            columns.matrix(quantiles, horizon * levels).reshape(len(rows), horizon, levels),
            np.array(dependence),
        )

    def digest(self) -> str:
        """SHA-256 over codes, periods and numbers: equal digests are equal forecasts."""
        total = hashlib.sha256()
        for codes in (self.items, self.locations):
            total.update("\n".join(codes).encode())
        for numbers in (self.periods, self.mean, self.quantiles, self.dependence):
            total.update(np.ascontiguousarray(numbers).tobytes())
        return total.hexdigest()

    def _rows(self) -> Iterator[tuple[Any, ...]]:
        """item, location, mean [H], quantiles [H * K], dependence, two baselines [H] or None, of each item-location."""
        for number, (item, location) in enumerate(zip(self.items, self.locations, strict=True)):
            mean, levels = (part[number].astype(np.float64).ravel().tolist() for part in (self.mean, self.quantiles))
            yield item, location, mean, levels, float(self.dependence[number]), *self._baselines(number)

    def _baselines(self, number: int) -> tuple[list[float] | None, ...]:
        if self.baselines is None or not np.isfinite(self.baselines[number]).all():
            return None, None
        return tuple(row.tolist() for row in self.baselines[number].astype(np.float64))
