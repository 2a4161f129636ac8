"""What the ERP tells of supply: rules and queries."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from services.planner.recommendations import releases
from services.planner.supply.schemas import (
    InventoryIn,
    OpenOrderIn,
    PlanningPolicyIn,
    ScheduledReceiptIn,
    SourcingRuleIn,
)
from services.planner.supply.tables import (
    Inventory,
    OpenOrder,
    PlanningPolicy,
    ScheduledReceipt,
    SourcingRule,
    Supplied,
)
from services.planner.supply.upsert import upsert
from shared.errors import Conflict, NotFound
from shared.imports.kinds import Call, Counts, Finding, Kind, duplicates
from shared.principal import Principal
from shared.rows import Rows
from shared.schemas import Schema

HOME = "supply/imports"


class SeveralRows(Conflict):
    slug, title = "several-rows", "More than one row is meant"


def kind(name: str, row: type[Schema], table: type[Supplied], *key: str) -> Kind[Any]:
    """Rows that stand for themselves: no rule but that a key is there once."""

    def check(_: Session, __: Call, rows: Rows[Any]) -> Iterator[Finding]:
        yield duplicates(rows, *key)

    def store(session: Session, call: Call, rows: Rows[Any]) -> Counts:
        return upsert(session, table, call.area, rows.records(), key)

    return Kind(name, HOME, row, check, store)


INVENTORY = kind("inventory", InventoryIn, Inventory, "item", "location", "as_of")
OPEN_ORDERS = kind("open-orders", OpenOrderIn, OpenOrder, "reference")
SOURCING_RULES = kind(
    "sourcing-rules", SourcingRuleIn, SourcingRule, "item", "location", "mode", "source", "effective_from"
)
PLANNING_POLICIES = kind("planning-policies", PlanningPolicyIn, PlanningPolicy, "item", "location")


def _check_receipts(session: Session, call: Call, rows: Rows[ScheduledReceiptIn]) -> Iterator[Finding]:
    yield duplicates(rows, "reference")
    yield releases.unknown(session, call.who, rows)


def _store_receipts(session: Session, call: Call, rows: Rows[ScheduledReceiptIn]) -> Counts:
    """Store orders under way; the recommendations that they carry out become released."""
    receipts = rows.records()
    released = releases.lock(session, call.who, receipts)
    counts = upsert(session, ScheduledReceipt, call.area, receipts, ("reference",))
    releases.record(session, call.who, released)
    return counts


RECEIPTS = Kind("scheduled-receipts", HOME, ScheduledReceiptIn, _check_receipts, _store_receipts)
KINDS = {kind.name: kind for kind in (INVENTORY, RECEIPTS, OPEN_ORDERS, SOURCING_RULES, PLANNING_POLICIES)}


def rows_of[T: Supplied](table: type[T], who: Principal, **filters: Any) -> Select[T]:
    """The area's rows that match the filters which were given; a filter that is None was not."""
    given = [getattr(table, name) == value for name, value in filters.items() if value is not None]
    return select(table).where(table.area == who.area.area, *given)


def remove(session: Session, table: type[Supplied], who: Principal, **key: Any) -> None:
    """Delete the area's row with this natural key, of which parts may be None where the others name one row alone.

    404 where there is none, SeveralRows where there are more.
    """
    named = [getattr(table, name) == value for name, value in key.items() if value is not None]
    gone = delete(table).where(table.area == who.area.area, *named).returning(table.area)
    found = session.scalars(gone).all()
    if not found:
        raise NotFound("There is no such row in this area.")
    if len(found) > 1:
        missing = ", ".join(name for name, value in key.items() if value is None)
        raise SeveralRows(f"{len(found)} rows have this in common: name one by {missing} too.")
