"""What a training or a forecast reads of an area: five tables, in one consistent view, in one fixed order.

demand (up to the origin), items, locations, drivers, and driver_values: of drivers known ahead all of them, of others
those up to the origin.
"""

import datetime
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from psycopg import sql
from sqlalchemy.orm import Session

from services.forecast.datasets import service
from services.forecast.datasets.blocks import Blocks, Datasets
from services.forecast.demand import service as demand
from services.forecast.tables import DataRun
from shared.db import psycopg_connection
from shared.errors import Conflict
from shared.jobs import Work

DEMAND_ROWS = """
    FROM demand JOIN series ON series.id = series_id
    WHERE area = %(area)s AND period <= %(origin)s AND period BETWEEN %(first)s AND %(last)s
"""
DEMAND = f"SELECT item, location, period, quantity, in_stock {DEMAND_ROWS} ORDER BY item, location, period"
ITEMS = "SELECT item, category FROM items WHERE area = %(area)s ORDER BY item"
LOCATIONS = "SELECT location, region, kind FROM locations WHERE area = %(area)s ORDER BY location"
DRIVERS = """
    SELECT driver, kind, known_ahead, scope, publication_delay FROM drivers WHERE area = %(area)s ORDER BY driver
"""
VALUE_ROWS = """
    FROM driver_values JOIN driver_series ON driver_series.id = series_id JOIN drivers USING (area, driver)
    WHERE area = %(area)s AND (known_ahead OR period <= %(origin)s) AND period BETWEEN %(first)s AND %(last)s
"""
DRIVER_VALUES = f"""
    SELECT driver, item, location, period, value {VALUE_ROWS}
    ORDER BY driver, item NULLS FIRST, location NULLS FIRST, period
"""
SPANS = {
    "demand": f"SELECT min(period), max(period) {DEMAND_ROWS}",
    "driver_values": f"SELECT min(period), max(period) {VALUE_ROWS}",
}
_ALWAYS = {"first": datetime.date.min, "last": datetime.date.max}
QUERIES = {
    "demand": DEMAND,
    "items": ITEMS,
    "locations": LOCATIONS,
    "drivers": DRIVERS,
    "driver_values": DRIVER_VALUES,
}
TYPES = {
    "period": pa.date32(),
    "quantity": pa.float64(),
    "value": pa.float64(),
    "in_stock": pa.bool_(),
    "known_ahead": pa.bool_(),
    "publication_delay": pa.int32(),
}


class NoDemand(Conflict):
    slug, title = "no-demand", "No demand to learn from"


class OriginTooLate(Conflict):
    slug, title = "origin-too-late", "Demand ends before the origin"


@dataclass(frozen=True)
class Inputs:
    """The tables as they stood at `origin`, block by block as often as asked, and the digest of what is kept.

    start: the first period of history, by default that of the demand.
    """

    digest: str
    origin: datetime.date
    tables: Mapping[str, Blocks]
    start: datetime.date | None = None

    def whole(self, name: str) -> pa.Table:
        """A table that is small."""
        return pa.concat_tables(self.tables[name])


def take[R: DataRun](work: Work[R], datasets: Datasets, origin: datetime.date | None) -> Inputs:
    """Read the run's area up to `origin` (default: its last period with demand) and keep what was read.

    A later attempt at the run reads what the first one kept. Raises NoDemand, OriginTooLate, DatasetGone.
    """
    if work.run.input_digest is not None:
        tables = datasets.blocks(work.run.input_digest)
        with work.step() as (session, run):
            service.use(session, run.area, work.run.input_digest)
        newest = max(pc.max(block["period"]).as_py() for block in tables["demand"])
        return Inputs(work.run.input_digest, origin or newest, tables)
    with work.database.read() as session:
        newest = last_period(session, work.run.area)
        if origin is not None and origin > newest:
            raise OriginTooLate(f"The area's demand ends at {newest}: choose an origin up to it, or POST demand first.")
        kept = datasets.keep(read(session, work.run.area, origin or newest))
    with work.step() as (session, run):
        run.input_digest = kept.digest
        service.record(session, run.area, kept)
    return Inputs(kept.digest, origin or newest, datasets.blocks(kept.digest))


def last_period(session: Session, area: str) -> datetime.date:
    """The newest period with demand; NoDemand where there is none."""
    newest = demand.last_period(session, area)
    if newest is None:
        raise NoDemand("This area has no demand: POST demand, then ask again.")
    return newest


def read(session: Session, area: str, origin: datetime.date) -> dict[str, Blocks]:
    """The tables as they stood at `origin`, read as they are asked for, those with periods year by year.

    NoDemand where nothing was demanded until then.
    """
    parameters = {"area": area, "origin": origin}
    if _years(session, "demand", parameters) is None:
        raise NoDemand(f"This area has no demand up to {origin}: choose a later origin.")
    return {name: _blocks(session, name, parameters) for name in QUERIES}


def _blocks(session: Session, name: str, parameters: dict[str, Any]) -> Iterator[pa.Table]:
    years = _years(session, name, parameters) if name in SPANS else None
    for year in years or (None,):
        during = _ALWAYS if year is None else {"first": datetime.date(year, 1, 1), "last": datetime.date(year, 12, 31)}
        found = _table(session, QUERIES[name], parameters | during)
        if found.num_rows or year is None:
            yield found


def _years(session: Session, name: str, parameters: dict[str, Any]) -> range | None:
    """From the first to the last year of a table; None where it is empty."""
    with psycopg_connection(session).cursor() as cursor:
        first, last = cursor.execute(SPANS[name], parameters | _ALWAYS).fetchone()
    return None if first is None else range(first.year, last.year + 1)


def _table(session: Session, query: str, parameters: dict[str, Any]) -> pa.Table:
    copy = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv, HEADER)").format(sql.SQL(query))
    content = io.BytesIO()
    with psycopg_connection(session).cursor() as cursor, cursor.copy(copy, parameters) as stream:
        for chunk in stream:
            content.write(chunk)
    content.seek(0)
    header = content.readline().decode().rstrip("\n").split(",")
    content.seek(0)
    options = pa.csv.ConvertOptions(
        column_types={name: TYPES.get(name, pa.string()) for name in header},
        true_values=["t"],
        false_values=["f"],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        null_values=[""],
    )
    lines = pa.csv.ParseOptions(newlines_in_values=True)
    return pa.csv.read_csv(content, parse_options=lines, convert_options=options)
