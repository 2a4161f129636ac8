"""Past demand of many item-locations as one matrix, without pandas: for what the API process computes."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy.orm import Session

from services.forecast.engine.cells import Bools, Dates, Floats, Ints
from shared.db import psycopg_connection
from shared.principal import Frequency

DEMAND = """
    SELECT series_id,
        string_agg(date_send(period) || float8send(CASE WHEN in_stock THEN quantity ELSE 'NaN' END), ''::bytea)
    FROM demand WHERE series_id = ANY(%s::bigint[]) AND period <= %s GROUP BY series_id
"""
ROW = np.dtype([("day", ">i4"), ("quantity", ">f8")])  # as PostgreSQL sends a date, from 2000 on, and a number
EPOCH = np.datetime64("2000-01-01")


def ordinals(frequency: Frequency, starts: Dates | Sequence[datetime.date]) -> Ints:
    """Number the periods that begin on `starts`, so that consecutive periods have consecutive numbers."""
    days = np.asarray(starts, dtype="datetime64[D]")
    match frequency:
        case "D":
            return days.astype(np.int64)
        case "W":
            return days.astype(np.int64) // 7
        case "M":
            return days.astype("datetime64[M]").astype(np.int64)


@dataclass(frozen=True)
class Matrix:
    """Demand [n, T] in units; column 0 is the period numbered `first`.

    NaN is unknown: before an item-location's first row, or out of stock. A period without a row after the first one is
    zero demand, as in the panel that forecasts are made from.
    """

    first: int
    demand: Floats
    begun: Ints  # [n] column of the first row, T where there is none

    def at(self, periods: Ints) -> Floats:
        """Demand [n, h] in the periods of these numbers, NaN outside the matrix."""
        columns = periods - self.first
        inside = (columns >= 0) & (columns < self.demand.shape[1])
        found = np.full((len(self.demand), len(periods)), np.nan)
        found[:, inside] = self.demand[:, columns[inside]]
        return found

    def censored(self, periods: Ints) -> Bools:
        """Which of these [n, h] were out of stock."""
        inside = periods < self.first + self.demand.shape[1]
        begun: Bools = (periods - self.first >= self.begun[:, None]) & inside
        return begun & np.isnan(self.at(periods))

    def until(self, period: int) -> Floats:
        """Demand [n, t] up to the period of this number, itself included."""
        return self.demand[:, : max(period - self.first + 1, 0)]


def read(session: Session, frequency: Frequency, series: Ints, until: datetime.date) -> Matrix:
    """Demand up to `until` of the item-locations whose numbers are `series` [n], ascending."""
    with psycopg_connection(session).cursor(binary=True) as cursor:
        found = cursor.execute(DEMAND, (series.tolist(), until)).fetchall()
    last = int(ordinals(frequency, [until])[0])
    if not found:
        return Matrix(last + 1, np.empty((len(series), 0)), np.zeros(len(series), dtype=np.int64))
    numbers, told = zip(*found, strict=True)
    lengths = np.array([len(one) for one in told]) // ROW.itemsize
    rows = np.repeat(np.searchsorted(series, np.array(numbers)), lengths)
    cells = np.frombuffer(b"".join(told), dtype=ROW)
    periods = ordinals(frequency, EPOCH + cells["day"].astype("timedelta64[D]"))
    return _matrix(len(series), last, rows, periods, cells["quantity"].astype(np.float64))


def _matrix(n: int, last: int, rows: Ints, periods: Ints, quantities: Floats) -> Matrix:
    first = int(periods.min())
    length = last - first + 1
    columns = periods - first
    begun = np.full(n, length)
    np.minimum.at(begun, rows, columns)
    demand = np.where(np.arange(length) >= begun[:, None], 0.0, np.nan)
    demand[rows, columns] = quantities
    return Matrix(first, demand, begun)
