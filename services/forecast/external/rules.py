"""What the rows of an external forecast must be, beyond each by itself; looked for among the staged rows by sets."""

import datetime
import itertools
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Table, case, func, or_, select
from sqlalchemy.orm import Session

from services.forecast import periods
from services.forecast.external.schemas import QUANTILES
from shared.errors import MOST_ERRORS, Unprocessable
from shared.principal import Area

MOST_PERIODS = 1000


class UnevenPeriods(Unprocessable):
    slug, title = "uneven-periods", "Not the same periods for all, one after the other"


class MissingQuantiles(Unprocessable):
    slug, title = "missing-quantiles", "Some quantiles are missing"


class CrossingQuantiles(Unprocessable):
    slug, title = "crossing-quantiles", "Quantiles do not ascend"


class OriginTooLate(Unprocessable):
    slug, title = "origin-not-before", "The origin is not before the first period"


def horizon(session: Session, area: Area, incoming: Table) -> list[datetime.date]:
    """The periods [H] that the rows cover. UnevenPeriods unless they are consecutive and all item-locations have them.

    Rows are known to begin periods, and to be there once.
    """
    named = incoming.c.period
    found = list(session.scalars(select(named).distinct().order_by(named).limit(MOST_PERIODS + 1)))
    if not found:
        raise Unprocessable("A forecast has at least one row.")
    if len(found) > MOST_PERIODS:
        raise UnevenPeriods(f"A forecast may cover at most {MOST_PERIODS} periods.")
    gaps = {after for before, after in itertools.pairwise(found) if after != periods.next_start(area, before)}
    if gaps:
        first = select(func.min(incoming.c.line)).where(named.in_(gaps)).group_by(named)
        raise _uneven(sorted(session.scalars(first)), "/period", "the period before this one is missing")
    keys = (incoming.c.item, incoming.c.location)
    short = select(func.min(incoming.c.line)).group_by(*keys).having(func.count() != len(found))
    lines = session.scalars(short.order_by(func.min(incoming.c.line)).limit(MOST_ERRORS)).all()
    if lines:
        raise _uneven(lines, "", f"this item-location does not have all of the {len(found)} periods")
    return found


def _uneven(lines: Sequence[int], field: str, detail: str) -> UnevenPeriods:
    errors = [{"pointer": f"#/{line}{field}", "detail": detail} for line in lines]
    return UnevenPeriods(
        "Every item-location needs the same periods, without a gap; nothing was stored.", errors=errors
    )


def has_quantiles(session: Session, incoming: Table) -> bool:
    """Whether the rows have quantiles. MissingQuantiles where not all rows have all of them, CrossingQuantiles."""
    columns = [incoming.c[name] for name in QUANTILES]
    given = func.num_nonnulls(*columns)
    least, most = session.execute(select(func.min(given), func.max(given))).one()
    if most == 0:
        return False
    if least < len(columns):
        places = [(column.is_(None), column.name) for column in columns]
        errors = _errors(session, incoming, given < len(columns), case(*places), "is missing where others are given")
        raise MissingQuantiles("Send all quantiles in all rows, or none; nothing was stored.", errors=errors)
    falls = [(after < before, after.name) for before, after in itertools.pairwise(columns)]
    crossing = _errors(session, incoming, or_(*(fall for fall, _ in falls)), case(*falls), "is below the one before it")
    if crossing:
        raise CrossingQuantiles(
            "Quantiles must not fall from one level to the next; nothing was stored.", errors=crossing
        )
    return True


def _errors(
    session: Session, incoming: Table, wrong: ColumnElement[bool], field: ColumnElement[str], detail: str
) -> list[dict[str, str]]:
    found = select(incoming.c.line, field).where(wrong).order_by(incoming.c.line).limit(MOST_ERRORS)
    return [{"pointer": f"#/{line}/{name}", "detail": detail} for line, name in session.execute(found)]


def origin(area: Area, asked: datetime.date | None, first: datetime.date) -> datetime.date:
    """The period before the `first`, or the one that was asked for. OffCalendar, OriginTooLate."""
    if asked is None:
        return periods.previous_start(area, first)
    periods.require_parameter(area, asked, "origin")
    if asked >= first:
        errors = [{"parameter": "origin", "detail": f"must be before {first}"}]
        raise OriginTooLate("A forecast begins after its origin, the last period that was known.", errors=errors)
    return asked
