"""Rows that name an item or a location may name only those that exist."""

from sqlalchemy import ColumnElement, Table, exists, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from services.forecast.items.tables import Item, Location
from shared.errors import MOST_ERRORS, Unprocessable


class UnknownReference(Unprocessable):
    slug, title = "unknown-reference", "Refers to something unknown"


def require_known(session: Session, area: str, incoming: Table) -> None:
    """422 with a pointer to each item or location among the staged rows that the area does not have.

    Those that it has stay until the transaction ends: nobody can remove one between this look and the rows' storing.
    """
    errors = [
        *_unknown(session, incoming.c.line, incoming.c.item, Item.item, Item.area == area),
        *_unknown(session, incoming.c.line, incoming.c.location, Location.location, Location.area == area),
    ]
    if errors:
        raise UnknownReference("Put unknown items and locations first; nothing was stored.", errors=errors)


def _unknown(
    session: Session,
    line: ColumnElement[int],
    named: ColumnElement[str],
    key: InstrumentedAttribute[str],
    here: ColumnElement[bool],
) -> list[dict[str, str]]:
    held = select(key).where(here, key.in_(select(named))).order_by(key).with_for_update(read=True, key_share=True)
    session.execute(held)
    known = exists().where(here, key == named)
    lines = select(line).where(named.is_not(None), ~known).order_by(line).limit(MOST_ERRORS)
    noun = key.key
    return [{"pointer": f"#/{at}/{noun}", "detail": f"is no {noun} of this area"} for at in session.scalars(lines)]
