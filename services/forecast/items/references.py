"""Rows that name an item or a location may name only those that exist."""

from sqlalchemy import ColumnElement, Table, exists, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from services.forecast.items.tables import Item, Location
from shared.errors import MOST_ERRORS, Unprocessable


class UnknownReference(Unprocessable):
    slug, title = "unknown-reference", "Refers to something unknown"


def require_known(session: Session, area: str, incoming: Table) -> None:
    """422 with a pointer to each item or location among the staged rows that the area does not have."""
    errors = [
        *_unknown(session, incoming, "item", Item.item, Item.area == area),
        *_unknown(session, incoming, "location", Location.location, Location.area == area),
    ]
    if errors:
        raise UnknownReference("Put unknown items and locations first; nothing was stored.", errors=errors)


def _unknown(
    session: Session, incoming: Table, name: str, key: InstrumentedAttribute[str], here: ColumnElement[bool]
) -> list[dict[str, str]]:
    if name not in incoming.c:
        return []
    named = incoming.c[name]
    known = exists().where(here, key == named)
    lines = select(incoming.c.line).where(named.is_not(None), ~known).order_by(incoming.c.line).limit(MOST_ERRORS)
    return [{"pointer": f"#/{line}/{name}", "detail": f"is no {name} of this area"} for line in session.scalars(lines)]
