"""Rows of one request, staged in a temporary table and merged into their own table by sets, never row by row.

A row that is already stored as it came in is not written again, so that a replayed import changes nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg import sql
from sqlalchemy import Column, Integer, MetaData, Select, Table, func, literal_column, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from shared.db import psycopg_connection
from shared.schemas import Schema


class Counts(Schema):
    """What became of the rows that were received."""

    received: int
    created: int
    updated: int
    unchanged: int


def stage(session: Session, columns: Mapping[str, TypeEngine[Any]], rows: Sequence[Schema]) -> Table:
    """A temporary table `incoming` that holds the rows' fields named in `columns`, and `line`, their place from 0."""
    incoming = Table(
        "incoming",
        MetaData(),
        Column("line", Integer),
        *(Column(name, kind) for name, kind in columns.items()),
        prefixes=["TEMPORARY"],
        postgresql_on_commit="DROP",
    )
    incoming.create(session.connection(), checkfirst=False)
    names = sql.SQL(", ").join(map(sql.Identifier, ["line", *columns]))
    statement = sql.SQL("COPY incoming ({}) FROM STDIN").format(names)
    with psycopg_connection(session).cursor() as cursor, cursor.copy(statement) as copy:
        for line, row in enumerate(rows):
            copy.write_row((line, *(getattr(row, name) for name in columns)))
    return incoming


def merge(session: Session, target: Table, source: Select[*tuple[Any, ...]], received: int) -> Counts:
    """Insert the rows of `source`, whose columns bear the names of `target`'s, or update those that differ.

    Rows are taken in the order of the key, so that two requests with the same rows cannot block each other for good.
    """
    keys = [column.name for column in target.primary_key]
    names = [column.name for column in source.selected_columns]
    values = [name for name in names if name not in keys]
    ordered = source.order_by(*(source.selected_columns[key] for key in keys))
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
