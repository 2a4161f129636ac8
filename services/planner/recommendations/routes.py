"""Recommendations, decisions on them and the orders that follow, over HTTP."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Header, Query, Request, Response

from services.planner.recommendations import deciding, executions, filings, orders, service
from services.planner.recommendations.content_schemas import Route, Type
from services.planner.recommendations.decisions import Status
from services.planner.recommendations.filing_schemas import FilingIn, FilingOut
from services.planner.recommendations.schemas import (
    ApprovalIn,
    DecisionIn,
    DecisionOut,
    DecisionsIn,
    DecisionsOut,
    ExecutedOut,
    ExecutionIn,
    OrderOut,
    RecommendationDetailOut,
    RecommendationOut,
    Sort,
)
from services.planner.recommendations.tables import Recommendation
from shared import app, etag
from shared.app import problems
from shared.db import Read, Write
from shared.etag import IfMatch
from shared.export import AS_TABLE, stream
from shared.media import JSON, TABLES, wanted
from shared.paging import Page, Paging, page
from shared.principal import Caller
from shared.schemas import Code, Cost

router = app.router(tags=["Recommendations and decisions"])


@router.get("/recommendations", operation_id="list_recommendations", responses=problems())
def list_recommendations(
    who: Caller,
    session: Read,
    asked: Paging,
    status: Annotated[Status | None, Query()] = None,
    kind: Annotated[Type | None, Query(alias="type")] = None,
    route: Annotated[Route | None, Query()] = None,
    item: Annotated[Code | None, Query()] = None,
    location: Annotated[Code | None, Query()] = None,
    plan: Annotated[UUID | None, Query()] = None,
    min_impact: Annotated[Cost | None, Query(description="Least expected cost of inaction.")] = None,
    sort: Annotated[Sort, Query()] = "-net_benefit",
) -> Page[RecommendationOut]:
    """List recommendations, by default those first that bring most."""
    found = service.inbox(
        who, status=status, kind=kind, route=route, item=item, location=location, plan=plan, min_impact=min_impact
    )
    rows, cursor = page(session, found, service.SORTS[sort], asked, descending=sort.startswith("-"))
    return Page(items=[service.out(row) for row in rows], next_cursor=cursor)


@router.post("/recommendations", operation_id="file_recommendations", responses=problems(400, 409, 415))
def file_recommendations(wish: FilingIn, who: Caller, session: Write) -> FilingOut:
    """File what a service recommends; what was filed before, by its origins, is not filed again."""
    return filings.file(session, who, wish)


@router.get("/recommendations/{recommendation}", operation_id="get_recommendation", responses=problems())
def get_recommendation(recommendation: UUID, who: Caller, session: Read, response: Response) -> RecommendationDetailOut:
    """Show a recommendation with its evidence, its ETag and the decisions so far."""
    found = service.get(session, who, recommendation)
    response.headers["ETag"] = etag.of(found.version)
    return found


@router.post(
    "/recommendations/{recommendation}/decisions",
    operation_id="decide",
    status_code=201,
    responses=problems(400, 409, 412, 415, 428),
)
def decide(
    recommendation: UUID,
    wish: DecisionIn,
    who: Caller,
    session: Write,
    response: Response,
    if_match: Annotated[str | None, Header(description="The ETag that was read; not for `annotate`.")] = None,
) -> DecisionOut:
    """Record what a person decided about a recommendation."""
    decision = deciding.decide(session, who, recommendation, if_match, wish)
    response.headers["ETag"] = etag.of(decision.after.version)
    return decision


@router.post(
    "/recommendations:decide",
    operation_id="decide_many",
    status_code=201,
    responses=problems(400, 409, 412, 415),
)
def decide_many(wishes: DecisionsIn, who: Caller, session: Write) -> DecisionsOut:
    """Record up to 500 decisions, all or none; a refusal points at every row that it is about."""
    return DecisionsOut(items=deciding.decide_all(session, who, wishes.decisions))


@router.post(
    "/recommendations/{recommendation}/approvals",
    operation_id="approve",
    status_code=201,
    responses=problems(400, 409, 412, 415, 428),
)
def approve(
    recommendation: UUID, wish: ApprovalIn, version: IfMatch, who: Caller, session: Write, response: Response
) -> DecisionOut:
    """Approve or refuse a decision that awaits it; whoever decided may not."""
    approval = deciding.approve(session, who, recommendation, version, wish)
    response.headers["ETag"] = etag.of(approval.after.version)
    return approval


@router.post(
    "/recommendations/{recommendation}/execution",
    operation_id="report_execution",
    responses=problems(400, 409, 415),
)
def report_execution(recommendation: UUID, report: ExecutionIn, who: Caller, session: Write) -> ExecutedOut:
    """Say how far the ERP's order for a recommendation is. A report that was sent before changes nothing."""
    return executions.report(session, who, recommendation, report)


@router.get("/orders", operation_id="list_orders", response_model=Page[OrderOut], responses=problems(406) | AS_TABLE)
def list_orders(
    who: Caller,
    session: Read,
    request: Request,
    asked: Paging,
    status: Annotated[Literal["to_release"], Query()] = "to_release",  # noqa: ARG001  the only one so far
) -> Page[OrderOut] | Response:
    """List the orders that are decided and not yet released: JSON by pages, every other format all of them."""
    media = wanted(request, *TABLES)
    chosen = orders.to_release(who)
    if media != JSON:
        return stream(media, orders.SCHEMA, orders.batches(request.app.state.database, chosen))
    rows, cursor = page(session, chosen, (Recommendation.id,), asked)
    return Page(items=[orders.out(row) for row in rows], next_cursor=cursor)
