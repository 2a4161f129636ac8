"""Plans over HTTP: runs, their projection and the orders that came of them."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request, Response

from services.planner.plans import exceptions, lines, pegs, proposed, resources, service
from services.planner.plans.schemas import (
    ExceptionOut,
    PeggingOut,
    PlanIn,
    PlanLineOut,
    PlanName,
    PlanOut,
    PlanResourceOut,
)
from services.planner.plans.tables import Plan
from services.planner.recommendations import orders
from services.planner.recommendations.content_schemas import Content
from services.planner.recommendations.schemas import OrderOut
from services.planner.recommendations.tables import Recommendation
from shared import app, waiting
from shared.app import problems
from shared.db import Read, Write
from shared.export import AS_TABLE, stream
from shared.media import JSON, TABLES, wanted
from shared.paging import Page, Paging, page
from shared.principal import Caller
from shared.schemas import Code

router = app.router(tags=["Plans"])
RUNS = waiting.Runs(Plan, lambda _, run: PlanOut.of(run))


@router.post(
    "/plans",
    operation_id="start_plan",
    status_code=202,
    responses=problems(400, 413, 415),
    dependencies=[RUNS.prefer],
)
def start_plan(wish: PlanIn, who: Caller, session: Write, response: Response) -> PlanOut:
    """Plan the area: project stock, and recommend what to order now."""
    run = service.start(session, who, wish)
    response.headers["Location"] = f"/v1/areas/{run.area}/plans/{run.id}"
    return PlanOut.of(run)


@router.get("/plans", operation_id="list_plans", responses=problems())
def list_plans(who: Caller, session: Read, asked: Paging) -> Page[PlanOut]:
    """List plans, newest first, those of scenarios among them."""
    rows, cursor = page(session, service.runs(who), (Plan.created_at, Plan.id), asked, descending=True)
    return Page(items=[PlanOut.of(row) for row in rows], next_cursor=cursor)


@router.get("/plans/{plan}", operation_id="get_plan", responses=problems(), dependencies=[RUNS.prefer])
def get_plan(plan: PlanName, who: Caller, session: Read) -> PlanOut:
    """Show a plan; `latest` is the newest that succeeded, never one of a scenario."""
    return PlanOut.of(service.one(session, who, plan))


RUNS.events(router, "/plans/{run}/events", operation_id="follow_plan", responses=problems())


@router.post("/plans/{plan}/cancel", operation_id="cancel_plan", responses=problems())
def cancel_plan(plan: UUID, who: Caller, session: Write) -> PlanOut:
    """Ask a plan to stop; one that has ended stays as it is."""
    return PlanOut.of(service.cancel(session, who, plan))


@router.get(
    "/plans/{plan}/lines",
    operation_id="list_plan_lines",
    response_model=Page[PlanLineOut],
    responses=problems(406, 409) | AS_TABLE,
)
def list_plan_lines(
    plan: PlanName,
    request: Request,
    who: Caller,
    session: Read,
    asked: Paging,
    item: Annotated[Code | None, Query()] = None,
    location: Annotated[Code | None, Query()] = None,
) -> Any:
    """List a plan's projection: JSON by pages; CSV, NDJSON, Parquet and Arrow as one whole stream."""
    media = wanted(request, *TABLES)
    run = service.ready(session, who, plan)
    if media != JSON:
        return stream(media, lines.SCHEMA, lines.batches(request.app.state.database, run, item, location))
    rows, cursor = page(session, lines.cells(run, item, location), lines.CELL_KEYS, asked)
    return Page(items=[lines.line(run.periods or [], row) for row in rows], next_cursor=cursor)


@router.get("/plans/{plan}/recommendations", operation_id="list_plan_recommendations", responses=problems(409))
def list_plan_recommendations(plan: PlanName, who: Caller, session: Read, asked: Paging) -> Page[Content]:
    """List what a plan recommends, those first that bring most: of a scenario's too, on which nobody decides."""
    run = service.ready(session, who, plan)
    rows, cursor = page(session, proposed.of(run.id), proposed.KEYS, asked, descending=True)
    return Page(items=[proposed.out(row) for row in rows], next_cursor=cursor)


@router.get("/plans/{plan}/exceptions", operation_id="list_plan_exceptions", responses=problems(409))
def list_plan_exceptions(plan: PlanName, who: Caller, session: Read, asked: Paging) -> Page[ExceptionOut]:
    """List what will run out more often than its target accepts and why, the most money at risk first."""
    found = exceptions.of_plan(service.ready(session, who, plan))
    rows, cursor = page(session, found, exceptions.KEYS, asked, descending=True)
    return Page(items=[exceptions.out(row) for row in rows], next_cursor=cursor)


@router.get("/plans/{plan}/pegging", operation_id="get_plan_pegging", responses=problems(409))
def get_plan_pegging(
    plan: PlanName,
    who: Caller,
    session: Read,
    item: Annotated[Code, Query()],
    location: Annotated[Code, Query()],
) -> PeggingOut:
    """Tell which supply of an item-location serves which demand, by priority and then by date."""
    return PeggingOut(items=pegs.of_plan(session, service.ready(session, who, plan), item, location))


@router.get(
    "/plans/{plan}/resources",
    operation_id="list_plan_resources",
    response_model=Page[PlanResourceOut],
    responses=problems(406, 409) | AS_TABLE,
)
def list_plan_resources(
    plan: PlanName,
    request: Request,
    who: Caller,
    session: Read,
    asked: Paging,
    resource: Annotated[Code | None, Query()] = None,
) -> Any:
    """List load, hours and price of the resources: JSON by pages, every other format all of them."""
    media = wanted(request, *TABLES)
    found = resources.of_plan(service.ready(session, who, plan), resource)
    if media != JSON:
        return stream(media, resources.SCHEMA, resources.batches(request.app.state.database, found))
    rows, cursor = page(session, found, resources.KEYS, asked)
    return Page(items=[resources.out(row) for row in rows], next_cursor=cursor)


@router.get(
    "/plans/{plan}/orders",
    operation_id="list_plan_orders",
    response_model=Page[OrderOut],
    responses=problems(406) | AS_TABLE,
)
def list_plan_orders(plan: PlanName, request: Request, who: Caller, session: Read, asked: Paging) -> Any:
    """List a plan's orders that are decided and not yet released: JSON by pages, every other format all of them."""
    media = wanted(request, *TABLES)
    chosen = orders.to_release(who, service.one(session, who, plan).id)
    if media != JSON:
        return stream(media, orders.SCHEMA, orders.batches(request.app.state.database, chosen))
    rows, cursor = page(session, chosen, (Recommendation.id,), asked)
    return Page(items=[orders.out(row) for row in rows], next_cursor=cursor)
