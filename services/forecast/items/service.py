"""Master data: the items and locations that demand may refer to."""

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Delete, Double, Numeric, Select, cast, delete, literal, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from services.forecast import staging
from services.forecast.items.schemas import ItemIn, LocationIn
from services.forecast.items.tables import Item, Location
from services.forecast.tables import Base
from shared.errors import Conflict, NotFound
from shared.imports.kinds import Call, Counts, Finding, Kind, duplicates
from shared.rows import Rows


class InUse(Conflict):
    slug, title = "in-use", "Still referred to"


def _check(key: str) -> Callable[[Session, Call, Rows[Any]], Iterator[Finding]]:
    def check(_: Session, __: Call, rows: Rows[Any]) -> Iterator[Finding]:
        yield duplicates(rows, key)

    return check


def _store(table: type[Base]) -> Callable[[Session, Call, Rows[Any]], Counts]:
    def store(session: Session, call: Call, rows: Rows[Any]) -> Counts:
        target = table.metadata.tables[table.__tablename__]
        columns = {name: target.c[name].type for name in rows.schema.model_fields}
        incoming = staging.stage(session, columns, rows.records())
        return staging.merge(session, target, select(literal(call.area).label("area"), *incoming.c), len(rows))

    return store


ITEMS = Kind("items", "imports", ItemIn, _check("item"), _store(Item))
LOCATIONS = Kind("locations", "imports", LocationIn, _check("location"), _store(Location))


def items(area: str, item: str | None, category: str | None) -> Select[Item]:
    """The items of an area, those of one code or category where given."""
    found = select(Item).where(Item.area == area)
    if item is not None:
        found = found.where(Item.item == item)
    return found if category is None else found.where(Item.category == category)


def item_columns(area: str, item: str | None, category: str | None) -> Select[*tuple[Any, ...]]:
    """The same as plain columns, for the export of all of it; money as numbers."""
    names = (
        Item.item,
        Item.description,
        Item.category,
        Item.uom,
        Item.unit_cost,
        Item.unit_price,
        Item.shelf_life_days,
    )
    plain = [cast(column, Double) if isinstance(column.type, Numeric) else column for column in names]
    return items(area, item, category).with_only_columns(*plain).order_by(Item.item)


def locations(area: str, location: str | None, region: str | None) -> Select[Location]:
    """The locations of an area, those of one code or region where given."""
    found = select(Location).where(Location.area == area)
    if location is not None:
        found = found.where(Location.location == location)
    return found if region is None else found.where(Location.region == region)


def delete_item(session: Session, area: str, item: str) -> None:
    """Remove an item that nothing refers to; InUse where demand or a driver's value does."""
    _delete(session, delete(Item).where(Item.area == area, Item.item == item), "item")


def delete_location(session: Session, area: str, location: str) -> None:
    """Remove a location that nothing refers to; InUse where demand or a driver's value does."""
    _delete(session, delete(Location).where(Location.area == area, Location.location == location), "location")


def _delete(session: Session, statement: Delete, noun: str) -> None:
    try:
        deleted: Any = session.execute(statement)
    except IntegrityError:
        raise InUse(f"Demand or a driver's values refer to this {noun}, so it stays.") from None
    if deleted.rowcount == 0:
        raise NotFound(f"There is no such {noun} in this area.")
