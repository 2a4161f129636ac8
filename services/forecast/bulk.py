"""Many rows of a table whose key is series_id and period, written with less work for PostgreSQL than an upsert is.

An upsert locks each row that is there, whether it differs or not, and announces each new one before it inserts it. Here
a join tells which rows are new and which differ; those that differ are deleted, and both are written by COPY, which
fills page after page. What somebody else writes meanwhile shows in the counts or as a second row of a key.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from psycopg.errors import UniqueViolation
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    CursorResult,
    Table,
    and_,
    any_,
    delete,
    exists,
    func,
    literal,
    select,
    text,
    true,
    tuple_,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from services.forecast import staging
from shared.imports.kinds import Counts

KEY = ("series_id", "period")
# A merge join takes the stored rows in the order of the key, as everybody does. The planner would choose another: it
# knows nothing yet of series that have just come.
MERGE_JOIN = "SET LOCAL enable_hashjoin = off; SET LOCAL enable_nestloop = off; SET LOCAL work_mem = '128MB'"

type Columns = Mapping[str, npt.NDArray[Any]]
type Places = npt.NDArray[np.int64]


class Overtaken(Exception):  # noqa: N818
    """Somebody else has written some of the rows since they were compared."""


def replace(session: Session, target: Table, columns: Columns) -> Counts:
    """Insert the rows, or replace those that differ. Raises Overtaken; the caller then rolls back to before the call.

    columns: [n] by name, in the order of the key.
    """
    received = len(columns["period"])
    if _is_clear(session, target, columns):
        _write(session, target, columns)
        return Counts(received=received, created=received, updated=0, unchanged=0)
    created, updated = _compared(session, target, columns)
    written = np.union1d(created, updated)
    _write(session, target, {name: column[written] for name, column in columns.items()})
    return Counts(received=received, created=len(created), updated=len(updated), unchanged=received - len(written))


def _is_clear(session: Session, target: Table, columns: Columns) -> bool:
    """Whether none of the rows' series has anything from their first period to their last. Each is looked at once."""
    named = func.unnest(_series(columns)).column_valued("named")
    held = select(literal(1)).where(target.c.series_id == named, _during(target.c.period, columns)).limit(1).lateral()
    return not session.scalar(select(exists(select(named).join(held, true()))))


def _compared(session: Session, target: Table, columns: Columns) -> tuple[Places, Places]:
    """The places of the new rows and of those that differ from what was stored, which is deleted."""
    places = np.arange(len(columns["period"]))
    incoming = staging.stage_arrays(session, {**columns, "place": places})
    session.execute(text(MERGE_JOIN))
    keys = (target.c[name] == incoming.c[name] for name in KEY)
    same = and_(*keys, target.c.series_id == any_(_series(columns)), _during(target.c.period, columns))
    values = [name for name in columns if name not in KEY]
    differs = tuple_(*(target.c[name] for name in values)).is_distinct_from(
        tuple_(*(incoming.c[name] for name in values))
    )
    there: ColumnElement[bool] = target.c.period.is_not(None)
    sent = func.string_agg(func.int8send(incoming.c.place), b"")
    found = select(sent.filter(~there), sent.filter(there, differs)).select_from(incoming.outerjoin(target, same))
    created, updated = (np.frombuffer(each or b"", ">i8").astype(np.int64) for each in session.execute(found).one())
    if len(updated):
        gone = session.execute(delete(target).where(same, differs))
        assert isinstance(gone, CursorResult)  # noqa: S101
        if gone.rowcount != len(updated):
            raise Overtaken
    return created, updated


def _series(columns: Columns) -> ColumnElement[Any]:
    return literal(np.unique(columns["series_id"]).tolist(), ARRAY(BigInteger))


def _during(period: ColumnElement[Any], columns: Columns) -> ColumnElement[bool]:
    """From the rows' first period to their last: it spares the look at others."""
    cells = columns["period"]
    return period.between(cells.min().item(), cells.max().item())


def _write(session: Session, target: Table, columns: Columns) -> None:
    try:
        staging.copy(session, target, columns)
    except IntegrityError as error:
        if isinstance(error.orig, UniqueViolation):
            raise Overtaken from None
        raise
