"""Demand history: stored by item-location and period, a later row for the same period replaces the earlier one."""

import datetime
from collections.abc import Iterator
from typing import Any

import numpy as np
from sqlalchemy import Select, func, select, true
from sqlalchemy.orm import Session, contains_eager

from services.forecast import numbering, periods
from services.forecast.demand.schemas import DemandIn
from services.forecast.demand.tables import Demand, Series
from services.forecast.items import references
from services.forecast.selection import Selection
from shared.imports.kinds import Call, Counts, Finding, Kind, duplicates
from shared.principal import Area
from shared.rows import Rows


def check(session: Session, call: Call, rows: Rows[DemandIn]) -> Iterator[Finding]:
    """Duplicate keys, OffCalendar, FuturePeriod, UnknownReference."""
    yield duplicates(rows, "item", "location", "period")
    yield periods.off_calendar(call.who.area, rows)
    yield periods.not_begun(call.who.area, rows)
    yield references.unknown(session, call.area, rows)


def store(session: Session, call: Call, rows: Rows[DemandIn]) -> Counts:
    """Insert or replace; rows that say nothing new are counted and not written."""
    series = numbering.numbers(session, Series, {"area": call.area}, rows)
    in_stock = rows.codes("in_stock")
    columns = {
        "series_id": series,
        "period": numbering.days(rows),
        "quantity": rows.floats("quantity"),
        "in_stock": np.array(in_stock.values, dtype=bool)[in_stock.ids],
    }
    return numbering.merge(session, Demand.metadata.tables["demand"], columns)


KIND = Kind("demand", "imports", DemandIn, check, store)


def rows(area: str, which: Selection) -> Select[Demand]:
    """Demand with its item-location."""
    found = select(Demand).join(Demand.series).options(contains_eager(Demand.series)).where(Series.area == area)
    return which.of(found, Series.item, Series.location, Demand.period)


def last_period(session: Session, area: str, before: datetime.date | None = None) -> datetime.date | None:
    """The newest period with demand, or that `before` another, found by a look at each item-location's end."""
    rows = select(func.max(Demand.period).label("period")).where(Demand.series_id == Series.id)
    newest = (rows if before is None else rows.where(Demand.period < before)).lateral()
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
    found = select(*names).join_from(Demand, Series, Demand.series_id == Series.id).where(Series.area == area)
    return which.of(found, Series.item, Series.location, Demand.period).order_by(Demand.series_id, Demand.period)
