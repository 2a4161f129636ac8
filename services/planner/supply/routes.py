"""Supply over HTTP: stock, orders of both kinds, sourcing rules and planning policies, by natural key."""

from typing import Annotated

from fastapi import Query

from services.planner.supply import service
from services.planner.supply.schemas import (
    InventoryIn,
    InventoryOut,
    Mode,
    OpenOrderIn,
    OpenOrderOut,
    PlanningPolicyIn,
    PlanningPolicyOut,
    ScheduledReceiptIn,
    ScheduledReceiptOut,
    SourcingRuleIn,
    SourcingRuleOut,
)
from services.planner.supply.tables import Inventory, OpenOrder, PlanningPolicy, ScheduledReceipt, SourcingRule
from shared import app
from shared.app import problems
from shared.db import Read, Write
from shared.imports.kinds import Counts
from shared.imports.routes import RESPONSES, accepts
from shared.imports.schemas import ImportOut
from shared.imports.service import Received
from shared.paging import Page, Paging, page
from shared.principal import Caller
from shared.schemas import Code, Date

router = app.router(tags=["Supply"])
ByCode = Annotated[Code | None, Query()]
ByMode = Annotated[Mode | None, Query()]
ByDate = Annotated[Date | None, Query()]


@router.post(
    "/inventory",
    operation_id="post_inventory",
    response_model=None,
    responses=RESPONSES,
    openapi_extra=accepts(InventoryIn),
)
def post_inventory(received: Received) -> Counts | ImportOut:
    """Store stock by item, location and as-of date; more than 1,000 rows become an import."""
    return received.take(service.INVENTORY)


@router.get("/inventory", operation_id="list_inventory", responses=problems())
def list_inventory(
    who: Caller,
    session: Read,
    asked: Paging,
    item: ByCode = None,
    location: ByCode = None,
    as_of: ByDate = None,
) -> Page[InventoryOut]:
    """List stock."""
    rows = service.rows_of(Inventory, who, item=item, location=location, as_of=as_of)
    found, cursor = page(session, rows, (Inventory.item, Inventory.location, Inventory.as_of), asked)
    return Page(items=[InventoryOut.model_validate(row) for row in found], next_cursor=cursor)


@router.post(
    "/scheduled-receipts",
    operation_id="post_scheduled_receipts",
    response_model=None,
    responses=RESPONSES | problems(400, 409, 413, 415),
    openapi_extra=accepts(ScheduledReceiptIn),
)
def post_scheduled_receipts(received: Received) -> Counts | ImportOut:
    """Store orders under way by the ERP's reference, and release the recommendations that they carry out.

    More than 1,000 rows become an import.
    """
    return received.take(service.RECEIPTS)


@router.get("/scheduled-receipts", operation_id="list_scheduled_receipts", responses=problems())
def list_scheduled_receipts(
    who: Caller,
    session: Read,
    asked: Paging,
    reference: ByCode = None,
    item: ByCode = None,
    location: ByCode = None,
) -> Page[ScheduledReceiptOut]:
    """List orders under way."""
    rows = service.rows_of(ScheduledReceipt, who, reference=reference, item=item, location=location)
    found, cursor = page(session, rows, (ScheduledReceipt.reference,), asked)
    return Page(items=[ScheduledReceiptOut.model_validate(row) for row in found], next_cursor=cursor)


@router.delete("/scheduled-receipts", operation_id="delete_scheduled_receipt", status_code=204, responses=problems())
def delete_scheduled_receipt(who: Caller, session: Write, reference: Annotated[Code, Query()]) -> None:
    """Remove an order that has arrived or was cancelled."""
    service.remove(session, ScheduledReceipt, who, reference=reference)


@router.post(
    "/open-orders",
    operation_id="post_open_orders",
    response_model=None,
    responses=RESPONSES,
    openapi_extra=accepts(OpenOrderIn),
)
def post_open_orders(received: Received) -> Counts | ImportOut:
    """Store customers' orders by the ERP's reference, and what of them has been shipped.

    More than 1,000 rows become an import.
    """
    return received.take(service.OPEN_ORDERS)


@router.get("/open-orders", operation_id="list_open_orders", responses=problems())
def list_open_orders(
    who: Caller,
    session: Read,
    asked: Paging,
    reference: ByCode = None,
    item: ByCode = None,
    location: ByCode = None,
    customer: ByCode = None,
) -> Page[OpenOrderOut]:
    """List customers' orders."""
    rows = service.rows_of(OpenOrder, who, reference=reference, item=item, location=location, customer=customer)
    found, cursor = page(session, rows, (OpenOrder.reference,), asked)
    return Page(items=[OpenOrderOut.model_validate(row) for row in found], next_cursor=cursor)


@router.delete("/open-orders", operation_id="delete_open_order", status_code=204, responses=problems())
def delete_open_order(who: Caller, session: Write, reference: Annotated[Code, Query()]) -> None:
    """Remove an order that was cancelled or is of no interest any more."""
    service.remove(session, OpenOrder, who, reference=reference)


@router.put(
    "/supply/sourcing-rules",
    operation_id="put_sourcing_rules",
    response_model=None,
    responses=RESPONSES,
    openapi_extra=accepts(SourcingRuleIn),
)
def put_sourcing_rules(received: Received) -> Counts | ImportOut:
    """Store how item-locations are supplied, a rule for each source; more than 1,000 become an import."""
    return received.take(service.SOURCING_RULES)


@router.get("/supply/sourcing-rules", operation_id="list_sourcing_rules", responses=problems())
def list_sourcing_rules(
    who: Caller,
    session: Read,
    asked: Paging,
    item: ByCode = None,
    location: ByCode = None,
    mode: ByMode = None,
    source: ByCode = None,
) -> Page[SourcingRuleOut]:
    """List sourcing rules."""
    rule = SourcingRule
    rows = service.rows_of(rule, who, item=item, location=location, mode=mode, source=source)
    keys = (rule.item, rule.location, rule.mode, rule.source, rule.effective_from)
    found, cursor = page(session, rows, keys, asked)
    return Page(items=[SourcingRuleOut.model_validate(row) for row in found], next_cursor=cursor)


@router.delete("/supply/sourcing-rules", operation_id="delete_sourcing_rule", status_code=204, responses=problems(409))
def delete_sourcing_rule(
    who: Caller,
    session: Write,
    item: Annotated[Code, Query()],
    location: Annotated[Code, Query()],
    mode: ByMode = None,
    source: ByCode = None,
    effective_from: ByDate = None,
) -> None:
    """Remove a rule of an item-location; where it has several, name the one that is meant."""
    service.remove(
        session,
        SourcingRule,
        who,
        item=item,
        location=location,
        mode=mode,
        source=source,
        effective_from=effective_from,
    )


@router.put(
    "/supply/planning-policies",
    operation_id="put_planning_policies",
    response_model=None,
    responses=RESPONSES,
    openapi_extra=accepts(PlanningPolicyIn),
)
def put_planning_policies(received: Received) -> Counts | ImportOut:
    """Store service or cost targets, for single item-locations or for many; more than 1,000 rows become an import."""
    return received.take(service.PLANNING_POLICIES)


@router.get("/supply/planning-policies", operation_id="list_planning_policies", responses=problems())
def list_planning_policies(
    who: Caller, session: Read, asked: Paging, item: ByCode = None, location: ByCode = None
) -> Page[PlanningPolicyOut]:
    """List planning policies."""
    rows = service.rows_of(PlanningPolicy, who, item=item, location=location)
    found, cursor = page(session, rows, (PlanningPolicy.id,), asked)
    return Page(items=[PlanningPolicyOut.model_validate(row) for row in found], next_cursor=cursor)
