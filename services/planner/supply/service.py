"""What the ERP tells of supply: rules and queries."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from services.planner.recommendations import releases
from services.planner.supply.schemas import (
    InventoryIn,
    PlanningPolicyIn,
    ScheduledReceiptIn,
    SourcingRuleIn,
)
from services.planner.supply.tables import Inventory, PlanningPolicy, ScheduledReceipt, SourcingRule, Supplied
from services.planner.supply.upsert import upsert
from shared.errors import NotFound
from shared.imports.kinds import Call, Counts, Finding, Kind, duplicates
from shared.principal import Principal
from shared.rows import Rows
from shared.schemas import Schema

HOME = "supply/imports"


def _kind(name: str, row: type[Schema], table: type[Supplied], *key: str) -> Kind[Any]:
    """Rows that stand for themselves: no rule but that a key is there once."""

    def check(_: Session, __: Call, rows: Rows[Any]) -> Iterator[Finding]:
        yield duplicates(rows, *key)

    def store(session: Session, call: Call, rows: Rows[Any]) -> Counts:
        return upsert(session, table, call.area, rows.records(), key)

    return Kind(name, HOME, row, check, store)


INVENTORY = _kind("inventory", InventoryIn, Inventory, "item", "location", "as_of")
SOURCING_RULES = _kind("sourcing-rules", SourcingRuleIn, SourcingRule, "item", "location")
PLANNING_POLICIES = _kind("planning-policies", PlanningPolicyIn, PlanningPolicy, "item", "location")


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
KINDS = {kind.name: kind for kind in (INVENTORY, RECEIPTS, SOURCING_RULES, PLANNING_POLICIES)}


def rows_of[T: Supplied](table: type[T], who: Principal, **filters: Any) -> Select[T]:
    """The area's rows that match the filters which were given; a filter that is None was not."""
    given = [getattr(table, name) == value for name, value in filters.items() if value is not None]
    return select(table).where(table.area == who.area.area, *given)


def remove(session: Session, table: type[Supplied], who: Principal, **key: str) -> None:
    """Delete the area's row with this natural key; 404 where there is none."""
    named = [getattr(table, name) == value for name, value in key.items()]
    gone = delete(table).where(table.area == who.area.area, *named).returning(table.area)
    if session.scalar(gone) is None:
        raise NotFound("There is no such row in this area.")
