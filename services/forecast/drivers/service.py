"""Drivers and their values, past and future."""

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Select, exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, contains_eager

from services.forecast import numbering, periods
from services.forecast.drivers.schemas import DriverIn, ValueIn
from services.forecast.drivers.tables import Driver, DriverSeries, DriverValue
from services.forecast.items import references
from services.forecast.selection import Selection
from shared.errors import Conflict, NotFound, Unprocessable
from shared.imports.kinds import Call, Counts, Finding, Kind, duplicates
from shared.rows import Rows


class ScopeFixed(Conflict):
    slug, title = "scope-fixed", "The scope cannot change"


class WrongScope(Unprocessable):
    slug, title = "wrong-scope", "Not the driver's scope"


def put(session: Session, area: str, name: str, wish: DriverIn) -> Driver:
    """Define a driver or change its definition; ScopeFixed where it has values for another scope."""
    new = insert(Driver).values(area=area, driver=name, version=0, **wish.model_dump())
    session.execute(new.on_conflict_do_nothing())
    driver = session.get_one(Driver, (area, name), with_for_update=True)
    fields = wish.model_dump()
    if driver.version and all(getattr(driver, field) == value for field, value in fields.items()):
        return driver
    if driver.scope != wish.scope and _has_values(session, driver):
        raise ScopeFixed(f"The driver has values for the scope {driver.scope}; define a new driver.")
    for field, value in fields.items():
        setattr(driver, field, value)
    driver.version += 1
    session.flush()
    return driver


def _has_values(session: Session, driver: Driver) -> bool:
    mine = exists().where(DriverSeries.area == driver.area, DriverSeries.driver == driver.driver)
    return bool(session.scalar(select(mine)))


def one(session: Session, area: str, name: str) -> Driver:
    driver = session.get(Driver, (area, name))
    if driver is None:
        raise NotFound("There is no such driver in this area.")
    return driver


def drivers(area: str) -> Select[Driver]:
    return select(Driver).where(Driver.area == area)


def check(session: Session, call: Call, rows: Rows[ValueIn]) -> Iterator[Finding]:
    """WrongScope, duplicate keys, OffCalendar, UnknownReference. The driver's scope stays as it is until the end."""
    driver = one(session, call.area, call.parameters["driver"])
    session.refresh(driver, with_for_update={"read": True})
    yield _out_of_scope(driver.scope, rows)
    yield duplicates(rows, "item", "location", "period")
    yield periods.off_calendar(call.who.area, rows)
    yield references.unknown(session, call.area, rows)


def store(session: Session, call: Call, rows: Rows[ValueIn]) -> Counts:
    """Insert or replace; rows that say nothing new are counted and not written."""
    whose = {"area": call.area, "driver": call.parameters["driver"]}
    series = numbering.numbers(session, DriverSeries, whose, rows)
    columns = {"series_id": series, "period": numbering.days(rows), "value": rows.floats("value")}
    return numbering.merge(session, DriverValue.metadata.tables["driver_values"], columns)


VALUES = Kind("driver-values", "imports", ValueIn, check, store)


def _out_of_scope(scope: str, rows: Rows[ValueIn]) -> Finding:
    asked = {"item": scope in {"item", "item-location"}, "location": scope in {"location", "item-location"}}
    faults = [fault for code, is_asked in asked.items() for fault in rows.where(code, _scoped(scope, code, is_asked))]
    return Finding(
        faults, WrongScope, "Each value names what the driver's scope asks for, no more; nothing was stored."
    )


def _scoped(scope: str, code: str, is_asked: bool) -> Callable[[str | None], str | None]:
    detail = f"the scope {scope} {'asks for' if is_asked else 'takes no'} {code}"
    return lambda value: None if (value is not None) == is_asked else detail


def values(driver: Driver, which: Selection) -> Select[DriverValue]:
    """A driver's values with what they are of."""
    found = select(DriverValue).join(DriverValue.series).options(contains_eager(DriverValue.series))
    return _of(found, driver, which)


def columns(driver: Driver, which: Selection) -> Select[*tuple[Any, ...]]:
    """The same as plain columns and in the same order, for the export of all of them."""
    names = (DriverSeries.item, DriverSeries.location, DriverValue.period, DriverValue.value)
    found = select(*names).join_from(DriverValue, DriverSeries, DriverValue.series_id == DriverSeries.id)
    return _of(found, driver, which).order_by(DriverValue.series_id, DriverValue.period)


def _of[*C](found: Select[*C], driver: Driver, which: Selection) -> Select[*C]:
    mine = found.where(DriverSeries.area == driver.area, DriverSeries.driver == driver.driver)
    return which.of(mine, DriverSeries.item, DriverSeries.location, DriverValue.period)
