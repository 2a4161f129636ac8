"""Rows stored by natural key in one statement, so that a replayed body changes nothing."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Table, inspect, literal_column, or_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.planner.supply.tables import Supplied
from shared.imports.kinds import Counts
from shared.schemas import Schema


def upsert(session: Session, table: type[Supplied], area: str, rows: Iterable[Schema], keys: Sequence[str]) -> Counts:
    """Insert what is new, update what differs, leave the rest untouched. `keys` are the natural key besides the area.

    Rows are taken in the order of their keys, so that two bodies that meet wait for each other instead of deadlocking.
    """
    values = [row.model_dump() | {"area": area} for row in rows]
    values.sort(key=lambda row: [str(row[key] or "") for key in keys])
    flags = _flags(session, table, values, ["area", *keys])
    created = sum(flags)
    return Counts(
        received=len(values),
        created=created,
        updated=len(flags) - created,
        unchanged=len(values) - len(flags),
    )


def _flags(session: Session, table: type[Supplied], values: Sequence[dict[str, Any]], keys: list[str]) -> list[bool]:
    """One flag per row that was written: whether it is new (its version has no predecessor that was locked)."""
    if not values:
        return []
    columns = _table(table).c
    statement = insert(table)
    rest = [name for name in values[0] if name not in keys]
    changes = {name: statement.excluded[name] for name in rest}
    differs = or_(*(columns[name].is_distinct_from(new) for name, new in changes.items()))
    conflict = statement.on_conflict_do_update(index_elements=keys, set_=changes, where=differs)
    return list(session.scalars(conflict.returning(literal_column("xmax = 0")), values))


def _table(table: type[Supplied]) -> Table:
    local = inspect(table).local_table
    assert isinstance(local, Table)  # noqa: S101
    return local
