"""What the ERP tells of supply: rules and queries."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from services.planner.recommendations import releases
from services.planner.supply.schemas import (
    InventoryIn,
    PlanningPolicyIn,
    ScheduledReceiptIn,
    SourcingRuleIn,
    UpsertOut,
)
from services.planner.supply.tables import Inventory, PlanningPolicy, ScheduledReceipt, SourcingRule, Supplied
from services.planner.supply.upsert import upsert
from shared.errors import NotFound
from shared.principal import Principal
from shared.tabular import reject_duplicates


def put_inventory(session: Session, who: Principal, rows: Sequence[InventoryIn]) -> UpsertOut:
    reject_duplicates(rows, lambda row: (row.item, row.location, row.as_of))
    return upsert(session, Inventory, who.area.area, rows, ("item", "location", "as_of"))


def put_receipts(session: Session, who: Principal, rows: Sequence[ScheduledReceiptIn]) -> UpsertOut:
    """Store orders under way; the recommendations that they carry out become released."""
    reject_duplicates(rows, lambda row: row.reference)
    released = releases.lock(session, who, rows)
    counts = upsert(session, ScheduledReceipt, who.area.area, rows, ("reference",))
    releases.record(session, who, released)
    return counts


def put_rules(session: Session, who: Principal, rows: Sequence[SourcingRuleIn]) -> UpsertOut:
    reject_duplicates(rows, lambda row: (row.item, row.location))
    return upsert(session, SourcingRule, who.area.area, rows, ("item", "location"))


def put_policies(session: Session, who: Principal, rows: Sequence[PlanningPolicyIn]) -> UpsertOut:
    reject_duplicates(rows, lambda row: (row.item, row.location))
    return upsert(session, PlanningPolicy, who.area.area, rows, ("item", "location"))


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
