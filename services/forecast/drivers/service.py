"""Drivers and their values, past and future."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Date, Float, Select, Table, Text, and_, exists, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, contains_eager
from sqlalchemy.types import TypeEngine

from services.forecast import periods, staging
from services.forecast.drivers.schemas import DriverIn, ValueIn
from services.forecast.drivers.tables import Driver, DriverSeries, DriverValue
from services.forecast.items.references import require_known
from services.forecast.selection import Selection
from services.forecast.staging import Counts
from shared.errors import Conflict, NotFound, Unprocessable
from shared.principal import Area
from shared.tabular import reject_duplicates

COLUMNS: dict[str, TypeEngine[Any]] = {"item": Text(), "location": Text(), "period": Date(), "value": Float()}


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


def put_values(session: Session, area: Area, name: str, rows: Sequence[ValueIn]) -> Counts:
    """Store values, all rows or none. Raises WrongScope, OffCalendar, UnknownReference, and 422 for duplicate keys."""
    driver = one(session, area.area, name)
    session.refresh(driver, with_for_update={"read": True})
    _require_scope(driver.scope, rows)
    reject_duplicates(rows, lambda row: (row.item, row.location, row.period))
    periods.require_starts(area, rows)
    incoming = staging.stage(session, COLUMNS, rows)
    require_known(session, area.area, incoming)
    _add_series(session, driver, incoming)
    source = select(DriverSeries.id.label("series_id"), incoming.c.period, incoming.c.value)
    found = source.join_from(incoming, DriverSeries, _names(driver, incoming))
    return staging.merge(session, DriverValue.metadata.tables["driver_values"], found, len(rows))


def _require_scope(scope: str, rows: Sequence[ValueIn]) -> None:
    errors = [
        {"pointer": f"#/{index}/{code}", "detail": f"the scope {scope} {'asks for' if asked else 'takes no'} {code}"}
        for code, asked in _asked(scope).items()
        for index, row in enumerate(rows)
        if (getattr(row, code) is not None) != asked
    ]
    if errors:
        raise WrongScope(
            "Each value names what the driver's scope asks for, no more; nothing was stored.", errors=errors
        )


def _asked(scope: str) -> dict[str, bool]:
    return {"item": scope in {"item", "item-location"}, "location": scope in {"location", "item-location"}}


def _add_series(session: Session, driver: Driver, incoming: Table) -> None:
    """Number the item-locations (items, locations) that have no number for this driver yet."""
    codes = (literal(driver.area), literal(driver.driver), incoming.c.item, incoming.c.location)
    new = select(*codes).distinct().where(~exists().where(_names(driver, incoming)))
    names = ["area", "driver", "item", "location"]
    ordered = new.order_by(incoming.c.item, incoming.c.location)
    session.execute(insert(DriverSeries).from_select(names, ordered).on_conflict_do_nothing())


def _names(driver: Driver, incoming: Table) -> ColumnElement[bool]:
    asked = _asked(driver.scope)
    return and_(
        DriverSeries.area == driver.area,
        DriverSeries.driver == driver.driver,
        DriverSeries.item == incoming.c.item if asked["item"] else DriverSeries.item.is_(None),
        DriverSeries.location == incoming.c.location if asked["location"] else DriverSeries.location.is_(None),
    )


def values(driver: Driver, which: Selection) -> Select[DriverValue]:
    """A driver's values with what they are of."""
    found = select(DriverValue).join(DriverValue.series).options(contains_eager(DriverValue.series))
    return _of(found, driver, which)


def columns(driver: Driver, which: Selection) -> Select[*tuple[Any, ...]]:
    """The same as plain columns and in the same order, for the export of all of them."""
    names = (DriverSeries.item, DriverSeries.location, DriverValue.period, DriverValue.value)
    found = select(*names).join_from(DriverValue, DriverSeries)
    return _of(found, driver, which).order_by(DriverValue.series_id, DriverValue.period)


def _of[*C](found: Select[*C], driver: Driver, which: Selection) -> Select[*C]:
    mine = found.where(DriverSeries.area == driver.area, DriverSeries.driver == driver.driver)
    return which.of(mine, DriverSeries.item, DriverSeries.location, DriverValue.period)
