"""Do the inputs still come: drivers that stand still or have moved, item-locations that have fallen silent."""

import datetime
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from services.forecast.demand.matrix import EPOCH, ROW, ordinals
from services.forecast.engine import drift
from services.forecast.engine.cells import Floats
from services.forecast.engine.limits import YEAR
from services.forecast.monitoring.findings import DIGITS, Starts
from shared.db import psycopg_connection
from shared.principal import Frequency

YEARS = 3
SHOWN = 20
_DRIVERS = """
    SELECT driver, array_agg(told) FROM (
        SELECT driver, string_agg(date_send(period) || float8send(value), ''::bytea) AS told
        FROM driver_series JOIN driver_values ON series_id = driver_series.id
        WHERE area = %s AND period > %s AND period <= %s GROUP BY driver, driver_series.id
    ) AS by_series GROUP BY driver ORDER BY driver
"""
_SILENT = """
    SELECT item, location, newest FROM (
        SELECT item, location, max(period) AS newest, count(*) FILTER (WHERE period <= %(recent)s) AS rows
        FROM series JOIN demand ON series_id = series.id
        WHERE area = %(area)s AND period > %(first)s AND period <= %(until)s GROUP BY series.id
    ) AS found WHERE newest <= %(recent)s AND rows >= %(enough)s ORDER BY newest DESC, item, location
"""


def drivers(
    session: Session, area: str, frequency: Frequency, until: datetime.date, starts: Starts
) -> list[dict[str, Any]]:
    """Of each driver: how long it stands still, since when it is dead, how its newest values differ from a year ago."""
    last, year = int(ordinals(frequency, [until])[0]), YEAR[frequency]
    first = last - YEARS * year
    with psycopg_connection(session).cursor(binary=True) as cursor:
        rows = cursor.execute(_DRIVERS, (area, starts(first), until)).fetchall()
    return [_driver(name, _matrix(told, frequency, first + 1, last), year, first + 1, starts) for name, told in rows]


def _matrix(told: list[bytes], frequency: Frequency, first: int, last: int) -> Floats:
    """Values [n, T] of one driver in the periods from `first` to `last`; NaN where there is none."""
    found = np.full((len(told), last - first + 1), np.nan)
    for row, one in enumerate(told):
        cells = np.frombuffer(one, dtype=ROW)
        found[row, ordinals(frequency, EPOCH + cells["day"].astype("timedelta64[D]")) - first] = cells["quantity"]
    return found


def _driver(name: str, values: Floats, year: int, first: int, starts: Starts) -> dict[str, Any]:
    begun = int(np.flatnonzero(~np.isnan(values).all(axis=0))[0])
    values, first = values[:, begun:], first + begun
    part, length = max(year // 4, 1), values.shape[1]
    quiet = drift.silent(values, max(length - part, 1))
    run = int(drift.still(values)[-1])
    dead = len(quiet) > 0 and int(quiet[-1]) == length - 1
    shift = drift.Shift.between(values[:, max(length - part - year, 0) : max(length - year, 0)], values[:, -part:])
    return {
        "driver": name,
        "still": run,
        "dead_since": starts(first + length - run) if dead else None,
        "psi": None if shift is None else round(shift.psi, DIGITS),
        "wasserstein": None if shift is None else round(shift.wasserstein, DIGITS),
        "shifted": shift is not None and shift.psi > drift.NOTABLE,
        "recommends": "review_forecast" if dead else None,
    }


def silent(session: Session, area: str, frequency: Frequency, until: datetime.date, starts: Starts) -> dict[str, Any]:
    """Item-locations without a row in the newest quarter of a year that had one in every other period before."""
    last, year = int(ordinals(frequency, [until])[0]), YEAR[frequency]
    recent = last - max(year // 4, 1)
    asked = {
        "area": area,
        "until": until,
        "recent": starts(recent),
        "first": starts(recent - year),
        "enough": year // 2,
    }
    with psycopg_connection(session).cursor() as cursor:
        rows = cursor.execute(_SILENT, asked).fetchall()
    items = [{"item": item, "location": location, "newest": str(newest)} for item, location, newest in rows[:SHOWN]]
    return {"count": len(rows), "items": items}
