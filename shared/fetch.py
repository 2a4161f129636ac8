"""Whole tables out of the database, part by part, so that memory holds one part however long the table is.

The session is the export's own: it lives as long as the client reads, not as long as the handler runs. Rows come
through a cursor on the server, so that the statement's time limit counts for each part and not for the client's pace.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pyarrow as pa
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.pq import Format
from sqlalchemy import Select

from shared import columns
from shared.db import Database, psycopg_connection
from shared.errors import Unavailable

BATCH_ROWS = 20_000
FLOAT8_ARRAY = 1022  # its number in pg_type


class TooManyExports(Unavailable):
    slug, title = "too-many-exports", "Too many tables are on their way out"


class _Field(Loader):
    """The bytes of a field as they came, for `columns.matrix`: as lists they cost four times the time."""

    format = Format.BINARY

    def load(self, data: Buffer) -> bytes:
        return bytes(data)


def parts(database: Database, statement: Select[*tuple[Any, ...]], rows: int) -> Iterator[list[tuple[Any, ...]]]:
    """The rows of `statement`, `rows` at a time; a `float8[]` as the bytes that `columns.matrix` reads.

    Raises Unavailable where the database goes away, TooManyExports where as many are under way as a process takes.
    """
    with _place(database), database.read() as session:
        compiled = statement.compile(session.get_bind())
        try:
            with psycopg_connection(session).cursor(name="export", binary=True) as cursor:
                cursor.adapters.register_loader(FLOAT8_ARRAY, _Field)
                cursor.execute(str(compiled), compiled.params)
                while found := cursor.fetchmany(rows):
                    yield found
        except psycopg.OperationalError as error:
            raise Unavailable("The database cannot be reached; try again.") from error


@contextmanager
def _place(database: Database) -> Iterator[None]:
    if not database.exports.acquire(blocking=False):
        raise TooManyExports("As many whole tables leave as this process sends at a time; try again later.")
    try:
        yield
    finally:
        database.exports.release()


def batches(database: Database, statement: Select[*tuple[Any, ...]], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The rows of `statement`, whose columns stand in the order of `schema`."""
    for rows in parts(database, statement, BATCH_ROWS):
        yield columns.batch(schema, zip(*rows, strict=True))
