"""Rows by the ten thousand into tables, through COPY."""

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import numpy as np
from psycopg import sql
from sqlalchemy.orm import Session

from services.planner.engine.inputs import Floats
from services.planner.plans.lines import MEASURES
from shared.db import psycopg_connection

# COPY's binary format and the one of arrays: PostgreSQL documentation, "COPY", and array_recv in its source.
SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)
END = struct.pack("!h", -1)
FLOAT8 = 701
ROWS = 500


def copy(session: Session, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Add rows to a table in the session's transaction."""
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)
    with psycopg_connection(session).cursor() as cursor, cursor.copy(statement) as stream:
        for row in rows:
            stream.write_row(row)


def copy_lines(session: Session, plan: UUID, keys: Iterable[tuple[str, str]], measures: Mapping[str, Floats]) -> None:
    """Add a plan's lines: one row per item-location, an array over the periods per measure [n, T].

    Written in COPY's binary format, straight from the arrays: as text a large plan's numbers take longer to spell
    than to compute.
    """
    names = sql.SQL(", ").join(map(sql.Identifier, ("plan_id", "item", "location", *MEASURES)))
    statement = sql.SQL("COPY plan_lines ({}) FROM STDIN (FORMAT binary)").format(names)
    heads = (_head(plan, item, location) for item, location in keys)
    with psycopg_connection(session).cursor() as cursor, cursor.copy(statement) as stream:
        stream.write(SIGNATURE)
        for head, body in zip(heads, _bodies(measures), strict=True):
            stream.write(head + body)
        stream.write(END)


def _head(plan: UUID, item: str, location: str) -> bytes:
    fields = (plan.bytes, item.encode(), location.encode())
    return struct.pack("!h", len(fields) + len(MEASURES)) + b"".join(struct.pack("!i", len(f)) + f for f in fields)


def _bodies(measures: Mapping[str, Floats]) -> Iterator[bytes]:
    """The array fields of each row: length, dimensions, null flag, element type, size, lower bound, elements."""
    count, periods = measures["demand"].shape
    element = np.dtype([("length", ">i4"), ("value", ">f8")])
    field = np.dtype([("header", ">i4", 6), ("elements", element, periods)])
    header = (field.itemsize - 4, 1, 0, FLOAT8, periods, 1)
    for start in range(0, count, ROWS):
        rows = slice(start, start + ROWS)
        block = np.empty((min(ROWS, count - start), len(MEASURES)), dtype=field)
        block["header"] = header
        block["elements"]["length"] = element["value"].itemsize
        for column, name in enumerate(MEASURES):
            block["elements"]["value"][:, column] = measures[name][rows]
        yield from (row.tobytes() for row in block)
