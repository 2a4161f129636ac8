"""Rows that name an item or a location may name only those that exist."""

from typing import Any

from sqlalchemy import ARRAY, Text, any_, literal, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from services.forecast.items.tables import Item, Location
from shared.errors import Unprocessable
from shared.imports.kinds import Finding
from shared.parse import Fault
from shared.rows import Rows


class UnknownReference(Unprocessable):
    slug, title = "unknown-reference", "Refers to something unknown"


def unknown(session: Session, area: str, rows: Rows[Any]) -> Finding:
    """Rows that name an item or a location which the area does not have.

    Those that it has stay until the transaction ends: nobody can remove one between this look and the rows' storing.
    """
    faults = [*_unknown(session, area, rows, Item.item), *_unknown(session, area, rows, Location.location)]
    return Finding(faults, UnknownReference, "Put unknown items and locations first; nothing was stored.")


def _unknown(session: Session, area: str, rows: Rows[Any], key: InstrumentedAttribute[str]) -> list[Fault]:
    noun, table = key.key, key.class_
    named = sorted({code for code in rows.codes(noun).values if code is not None})
    held = select(key).where(table.area == area, key == any_(literal(named, ARRAY(Text)))).order_by(key)
    known = set(session.scalars(held.with_for_update(read=True, key_share=True)))
    return rows.where(noun, lambda code: None if code is None or code in known else f"is no {noun} of this area")
