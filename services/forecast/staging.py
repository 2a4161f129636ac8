"""Rows of one request, staged in a temporary table and merged into their own table by sets, never row by row.

A row that is already stored as it came in is not written again, so that a replayed import changes nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg
from psycopg import sql
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    MetaData,
    Select,
    Table,
    func,
    literal_column,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from shared.db import psycopg_connection
from shared.imports.kinds import Counts
from shared.schemas import Schema

SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)
END = b"\xff\xff"
PIECE_ROWS = 16_384
POSTGRES_EPOCH = 10_957  # days from 1970-01-01 to 2000-01-01
KINDS: dict[np.dtype[Any], tuple[TypeEngine[Any], str]] = {
    np.dtype(np.int64): (BigInteger(), ">i8"),
    np.dtype(np.float64): (Float(), ">f8"),
    np.dtype(np.bool_): (Boolean(), "i1"),
    np.dtype("datetime64[D]"): (Date(), ">i4"),
}


def stage(session: Session, columns: Mapping[str, TypeEngine[Any]], rows: Sequence[Schema]) -> Table:
    """A temporary table `incoming` that holds the rows' fields named in `columns`."""
    incoming = _incoming(session, columns)
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    statement = sql.SQL("COPY incoming ({}) FROM STDIN").format(names)
    with psycopg_connection(session).cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row([getattr(row, name) for name in columns])
    return incoming


def stage_arrays(session: Session, columns: Mapping[str, npt.NDArray[Any]]) -> Table:
    """The same from arrays [n] of whole numbers (int64), numbers, flags and dates (datetime64[D])."""
    incoming = _incoming(session, {name: KINDS[array.dtype][0] for name, array in columns.items()})
    copy(session, incoming, columns)
    return incoming


def copy(session: Session, table: Table, columns: Mapping[str, npt.NDArray[Any]]) -> None:
    """Append rows given as arrays [n], as for `stage_arrays`, to a table.

    Written in COPY's binary format, straight from the arrays: spelling a million numbers takes longer than storing
    them. A piece is made while the server stores the one before. Source: PostgreSQL's documentation of COPY.
    """
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(sql.Identifier(table.name), names)
    connection = psycopg_connection(session)
    with _errors_as_of_a_statement(connection), connection.cursor() as cursor, cursor.copy(statement) as stream:
        stream.write(SIGNATURE)
        for start in range(0, len(next(iter(columns.values()))), PIECE_ROWS):
            stream.write(_packed({name: column[start : start + PIECE_ROWS] for name, column in columns.items()}))
        stream.write(END)


@contextmanager
def _errors_as_of_a_statement(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Psycopg's errors as SQLAlchemy has them, so that an outage is known as one."""
    try:
        yield
    except psycopg.Error as error:
        lost = connection.closed
        raise DBAPIError.instance("COPY", None, error, psycopg.Error, connection_invalidated=lost) from error


def _packed(columns: Mapping[str, npt.NDArray[Any]]) -> memoryview:
    """Rows as COPY's binary format has them: how many fields there are, and for each its size and its value."""
    fields = [
        part for name, array in columns.items() for part in ((f"{name} size", ">i4"), (name, KINDS[array.dtype][1]))
    ]
    records = np.empty(len(next(iter(columns.values()))), dtype=[("fields", ">i2"), *fields])
    records["fields"] = len(columns)
    for name, array in columns.items():
        records[f"{name} size"] = records.dtype[name].itemsize
        records[name] = array.astype(np.int64) - POSTGRES_EPOCH if array.dtype.kind == "M" else array
    return memoryview(records).cast("B")


def _incoming(session: Session, columns: Mapping[str, TypeEngine[Any]]) -> Table:
    incoming = Table(
        "incoming",
        MetaData(),
        *(Column(name, kind) for name, kind in columns.items()),
        prefixes=["TEMPORARY"],
        postgresql_on_commit="DROP",
    )
    incoming.create(session.connection(), checkfirst=False)
    return incoming


def merge(
    session: Session, target: Table, source: Select[*tuple[Any, ...]], received: int, *, in_order: bool = False
) -> Counts:
    """Insert the rows of `source`, whose columns bear the names of `target`'s, or update those that differ.

    Rows are taken in the order of the key, so that two requests with the same rows cannot block each other for good;
    rows that were staged in that order need no sorting.
    """
    keys = [column.name for column in target.primary_key]
    names = [column.name for column in source.selected_columns]
    values = [name for name in names if name not in keys]
    ordered = source if in_order else source.order_by(*(source.selected_columns[key] for key in keys))
    upsert = insert(target).from_select(names, ordered)
    old, new = tuple_(*(target.c[name] for name in values)), tuple_(*(upsert.excluded[name] for name in values))
    touched = (
        upsert.on_conflict_do_update(
            index_elements=keys,
            set_={name: upsert.excluded[name] for name in values},
            where=old.is_distinct_from(new),
        )
        .returning(literal_column(f"{target.name}.xmax = 0").label("created"))
        .cte("touched")
    )
    counts = select(func.count().filter(touched.c.created), func.count()).select_from(touched)
    created, written = session.execute(counts).one()
    return Counts(received=received, created=created, updated=written - created, unchanged=received - written)
