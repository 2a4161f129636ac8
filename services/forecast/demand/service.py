"""Demand history: stored by item-location and period, a later row for the same period replaces the earlier one."""

import datetime
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Date,
    Float,
    Select,
    Table,
    Text,
    and_,
    exists,
    func,
    literal,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, contains_eager
from sqlalchemy.types import TypeEngine

from services.forecast import periods, staging
from services.forecast.demand.schemas import DemandIn
from services.forecast.demand.tables import Demand, Series
from services.forecast.items.references import require_known
from services.forecast.selection import Selection
from services.forecast.staging import Counts
from shared.principal import Area
from shared.tabular import reject_duplicates

COLUMNS: dict[str, TypeEngine[Any]] = {
    "item": Text(),
    "location": Text(),
    "period": Date(),
    "quantity": Float(),
    "in_stock": Boolean(),
}


def put(session: Session, area: Area, rows: Sequence[DemandIn]) -> Counts:
    """Store demand, all rows or none.

    Raises OffCalendar, FuturePeriod, UnknownReference, and Unprocessable for duplicate keys.
    """
    reject_duplicates(rows, lambda row: (row.item, row.location, row.period))
    periods.require_starts(area, rows)
    periods.require_begun(area, rows)
    incoming = staging.stage(session, COLUMNS, rows)
    require_known(session, area.area, incoming)
    _add_series(session, area.area, incoming)
    values = (incoming.c.period, incoming.c.quantity, incoming.c.in_stock)
    source = select(Series.id.label("series_id"), *values).join_from(incoming, Series, _names(area.area, incoming))
    return staging.merge(session, Demand.metadata.tables["demand"], source, len(rows))


def _add_series(session: Session, area: str, incoming: Table) -> None:
    """Number the item-locations that have no number yet."""
    codes = select(literal(area), incoming.c.item, incoming.c.location).distinct()
    new = codes.where(~exists().where(_names(area, incoming))).order_by(incoming.c.item, incoming.c.location)
    session.execute(insert(Series).from_select(["area", "item", "location"], new).on_conflict_do_nothing())


def _names(area: str, incoming: Table) -> ColumnElement[bool]:
    return and_(Series.area == area, Series.item == incoming.c.item, Series.location == incoming.c.location)


def rows(area: str, which: Selection) -> Select[Demand]:
    """Demand with its item-location."""
    found = select(Demand).join(Demand.series).options(contains_eager(Demand.series)).where(Series.area == area)
    return which.of(found, Series.item, Series.location, Demand.period)


def last_period(session: Session, area: str) -> datetime.date | None:
    """The newest period with demand, found by a look at each item-location's end."""
    newest = select(func.max(Demand.period).label("period")).where(Demand.series_id == Series.id).lateral()
    last: datetime.date | None = session.scalar(
        select(func.max(newest.c.period)).select_from(Series).join(newest, true()).where(Series.area == area)
    )
    return last


def known_until(session: Session, area: Area) -> datetime.date | None:
    """The newest period whose demand is known: it is over, and the area has demand in it or later."""
    last = last_period(session, area.area)
    return None if last is None else min(last, periods.last_over(area))


def columns(area: str, which: Selection) -> Select[*tuple[Any, ...]]:
    """The same as plain columns, by item-location and period, for the export of all of it."""
    names = (Series.item, Series.location, Demand.period, Demand.quantity, Demand.in_stock)
    found = select(*names).join_from(Demand, Series).where(Series.area == area)
    return which.of(found, Series.item, Series.location, Demand.period).order_by(Demand.series_id, Demand.period)
