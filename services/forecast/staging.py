"""Rows of one request, staged in a temporary table and merged into their own table by sets, never row by row.

A row that is already stored as it came in is not written again, so that a replayed import changes nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, LiteralString, NamedTuple

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


class Kind(NamedTuple):
    """How the cells of an array are stored and sent."""

    column: TypeEngine[Any]
    code: str  # of PostgreSQL's binary format, as NumPy has it
    send: LiteralString  # the function that makes it


KINDS = {
    np.dtype(np.int64): Kind(BigInteger(), ">i8", "int8send"),
    np.dtype(np.float64): Kind(Float(), ">f8", "float8send"),
    np.dtype(np.bool_): Kind(Boolean(), "i1", "boolsend"),
    np.dtype("datetime64[D]"): Kind(Date(), ">i4", "date_send"),
}


def stage(session: Session, columns: Mapping[str, TypeEngine[Any]], rows: Sequence[Schema]) -> Table:
    """A temporary table `incoming` that holds the rows' fields named in `columns`."""
    incoming = _incoming(session, columns)
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    statement = sql.SQL("COPY incoming ({}) FROM STDIN").format(names)
    with opened(session) as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row([getattr(row, name) for name in columns])
    return incoming


def stage_arrays(session: Session, columns: Mapping[str, npt.NDArray[Any]]) -> Table:
    """The same from arrays [n] of whole numbers (int64), numbers, flags and dates (datetime64[D])."""
    incoming = _incoming(session, {name: KINDS[array.dtype].column for name, array in columns.items()})
    copy(session, incoming, columns)
    return incoming


def copy(session: Session, table: Table, columns: Mapping[str, npt.NDArray[Any]]) -> None:
    """Append rows given as arrays [n], as for `stage_arrays`, to a table.

    Written in COPY's binary format, straight from the arrays: spelling a million numbers takes longer than storing
    them. A piece is made while the server stores the one before. Source: PostgreSQL's documentation of COPY.
    """
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(sql.Identifier(table.name), names)
    with opened(session) as cursor, cursor.copy(statement) as stream:
        stream.write(SIGNATURE)
        for start in range(0, len(next(iter(columns.values()))), PIECE_ROWS):
            stream.write(_packed({name: column[start : start + PIECE_ROWS] for name, column in columns.items()}))
        stream.write(END)


@contextmanager
def opened(session: Session, *, binary: bool = False) -> Iterator[psycopg.Cursor[Any]]:
    """A cursor of psycopg's own. Its errors are SQLAlchemy's, so that an outage is known as one."""
    connection = psycopg_connection(session)
    try:
        with connection.cursor(binary=binary) as cursor:
            yield cursor
    except psycopg.Error as error:
        lost = connection.closed
        raise DBAPIError.instance(None, None, error, psycopg.Error, connection_invalidated=lost) from error


def _packed(columns: Mapping[str, npt.NDArray[Any]]) -> memoryview:
    """Rows as COPY's binary format has them: how many fields there are, and for each its size and its value."""
    fields = [
        part for name, array in columns.items() for part in ((f"{name} size", ">i4"), (name, KINDS[array.dtype].code))
    ]
    records = np.empty(len(next(iter(columns.values()))), dtype=[("fields", ">i2"), *fields])
    records["fields"] = len(columns)
    for name, array in columns.items():
        records[f"{name} size"] = records.dtype[name].itemsize
        records[name] = array.astype(np.int64) - POSTGRES_EPOCH if array.dtype.kind == "M" else array
    return memoryview(records).cast("B")


def fetch(
    session: Session, table: Table, names: Mapping[str, np.dtype[Any]], by: str, where: sql.Composable
) -> dict[str, npt.NDArray[Any]]:
    """Columns [n] of these types of a table's rows, those of one value of the column `by` (int64) side by side.

    PostgreSQL puts the rows of a value together in its binary format, on several cores, so that no Python object is
    made for a row. No cell may be NULL.
    """
    kinds = {name: KINDS[kind] for name, kind in names.items() if name != by}
    cells = sql.SQL(" || ").join(
        sql.SQL(f"{kind.send}({{}})").format(sql.Identifier(name)) for name, kind in kinds.items()
    )
    query = sql.SQL("SELECT {by}, string_agg({cells}, ''::bytea) FROM {table} WHERE {where} GROUP BY {by}").format(
        by=sql.Identifier(by), cells=cells, table=sql.Identifier(table.name), where=where
    )
    with opened(session, binary=True) as cursor:
        found = cursor.execute(query).fetchall()
    rows = np.frombuffer(b"".join(told for _, told in found), dtype=[(name, kind.code) for name, kind in kinds.items()])
    lengths = [len(told) // rows.itemsize for _, told in found]
    values = np.array([value for value, _ in found], dtype=np.int64)
    return {by: np.repeat(values, lengths)} | {name: _plain(rows[name], names[name]) for name in kinds}


def _plain(cells: npt.NDArray[Any], kind: np.dtype[Any]) -> npt.NDArray[Any]:
    if kind.kind == "M":
        return (cells.astype(np.int64) + POSTGRES_EPOCH).astype(kind)
    return cells.astype(kind)


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
