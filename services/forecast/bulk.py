"""Many rows of a table whose key is series_id and period, written with less work for PostgreSQL than an upsert is.

An upsert locks each row that is there, whether it differs or not, and announces each new one before it inserts it. Here
what is stored is read and compared as arrays; the rows that differ are deleted, and both they and the new ones are
written X row that was left alone as unchanged and is changed meanwhile was changed after this write.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from psycopg import sql
from psycopg.errors import UniqueViolation
from sqlalchemy import Table
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from services.forecast import staging
from shared.imports.kinds import Counts

SERIES, PERIOD = KEY = ("series_id", "period")
MOST_READ = 4  # stored rows that are looked at for each row that came

type Columns = Mapping[str, npt.NDArray[Any]]
type Places = npt.NDArray[np.int64]


class Unfit(Exception):  # noqa: N818
    """An upsert does better."""


class Scattered(Unfit):
    """The rows' series hold many more rows between the first period and the last than came."""


class Overtaken(Unfit):
    """Somebody else has written some of the rows since they were compared."""


def replace(session: Session, target: Table, columns: Columns) -> Counts:
    """Insert the rows, or replace those that differ. Raises Unfit; the caller then rolls back to before the call.

    columns: [n] by name, in the order of the key.
    """
    stored = _stored(session, target, columns)
    place, there = _found(stored, columns)
    differs = there & ~_alike(stored, place, columns)
    _delete(session, target, stored, place[differs])
    written = ~there | differs
    _write(session, target, _only(columns, written))
    received, created, updated = (int(count) for count in (len(there), (~there).sum(), differs.sum()))
    return Counts(received=received, created=created, updated=updated, unchanged=received - created - updated)


def _stored(session: Session, target: Table, columns: Columns) -> Columns:
    """What the target holds of the rows' series from their first period to their last, in the order of the key."""
    inside = _within(np.unique(columns[SERIES]), columns)
    most = MOST_READ * len(columns[PERIOD])
    some = sql.SQL("SELECT count(*) FROM (SELECT FROM {} WHERE {} LIMIT {}) AS first")
    with staging.opened(session) as cursor:
        cursor.execute(some.format(sql.Identifier(target.name), inside, most + 1))
        if cursor.fetchall()[0][0] > most:
            raise Scattered
    rows = staging.fetch(session, target, {name: column.dtype for name, column in columns.items()}, SERIES, inside)
    return _only(rows, np.lexsort((rows[PERIOD], rows[SERIES])))


def _within(series: npt.NDArray[np.int64], columns: Columns) -> sql.Composable:
    """Whether a row is of one of these series and lies from the columns' first period to their last."""
    period = columns[PERIOD]
    within = sql.SQL("series_id = ANY({}) AND period BETWEEN {} AND {}")
    return within.format(series.tolist(), period.min().item(), period.max().item())


def _only(columns: Columns, places: npt.NDArray[Any]) -> Columns:
    return {name: column[places] for name, column in columns.items()}


def _found(stored: Columns, columns: Columns) -> tuple[Places, npt.NDArray[np.bool_]]:
    """[n] where each row is among the stored ones, or would be, and whether it is there."""
    keys, wanted = _keys(stored, columns), _keys(columns, columns)
    place: Places = np.searchsorted(keys, wanted).astype(np.int64)
    there = place < len(keys)
    there[there] = keys[place[there]] == wanted[there]
    return place, there


def _keys(rows: Columns, columns: Columns) -> Places:
    """[n] series and period of each row as one number: the series' rank, then days from the first period on."""
    series, first, last = np.unique(columns[SERIES]), columns[PERIOD].min(), columns[PERIOD].max()
    days = (last - first).astype(np.int64) + 1
    keys: Places = np.searchsorted(series, rows[SERIES]) * days + (rows[PERIOD] - first).astype(np.int64)
    return keys


def _alike(stored: Columns, place: Places, columns: Columns) -> npt.NDArray[np.bool_]:
    """[n] whether a row says the same as the stored one at its place; where there is none, anything."""
    if not len(stored[PERIOD]):
        return np.zeros(len(place), dtype=bool)
    there = np.minimum(place, len(stored[PERIOD]) - 1)
    alike: npt.NDArray[np.bool_] = np.ones(len(place), dtype=bool)
    for name in columns.keys() - set(KEY):
        alike &= stored[name][there] == columns[name]
    return alike


def _delete(session: Session, target: Table, stored: Columns, gone: Places) -> None:
    """Delete stored rows: in one sweep those of series of which all that were read go, the others by their keys.

    Raises Overtaken where there are not as many. Nothing else takes rows from the target, so as many are the same.
    """
    series, counts = np.unique(stored[SERIES], return_counts=True)
    whose = np.searchsorted(series, stored[SERIES][gone])
    whole = np.bincount(whose, minlength=len(series)) == counts
    swept = whole[whose]
    if swept.any():
        _take(session, target, sql.SQL(""), _within(series[whole], stored), swept.sum())
    if not swept.all():
        staging.stage_arrays(session, {name: stored[name][gone[~swept]] for name in KEY})
        same = sql.SQL("target.series_id = incoming.series_id AND target.period = incoming.period")
        _take(session, target, sql.SQL("USING incoming"), same, (~swept).sum())


def _take(session: Session, target: Table, using: sql.Composable, which: sql.Composable, expected: int) -> None:
    statement = sql.SQL("DELETE FROM {} AS target {} WHERE {}").format(sql.Identifier(target.name), using, which)
    with staging.opened(session) as cursor:
        if cursor.execute(statement).rowcount != expected:
            raise Overtaken


def _write(session: Session, target: Table, columns: Columns) -> None:
    try:
        staging.copy(session, target, columns)
    except IntegrityError as error:
        if isinstance(error.orig, UniqueViolation):
            raise Overtaken from None
        raise
