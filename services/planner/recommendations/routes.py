"""Recommendations, decisions on them and the orders that follow, over HTTP."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Header, Query, Request, Response

from services.planner.recommendations import orders, reasons, service
from services.planner.recommendations.decisions import Status
from services.planner.recommendations.schemas import (
    DecisionIn,
    DecisionOut,
    OrderOut,
    ReasonCodeOut,
    RecommendationDetailOut,
    RecommendationOut,
    Sort,
    Type,
)
from services.planner.recommendations.tables import Recommendation
from shared import app, etag
from shared.app import problems
from shared.db import Read, Write
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
    item: Annotated[Code | None, Query()] = None,
    location: Annotated[Code | None, Query()] = None,
    plan: Annotated[UUID | None, Query()] = None,
    min_impact: Annotated[Cost | None, Query(description="Least expected cost of inaction.")] = None,
    sort: Annotated[Sort, Query()] = "-net_benefit",
) -> Page[RecommendationOut]:
    """List recommendations, by default those first that bring most."""
    found = service.inbox(who, status=status, kind=kind, item=item, location=location, plan=plan, min_impact=min_impact)
    rows, cursor = page(session, found, service.SORTS[sort], asked, descending=sort.startswith("-"))
    return Page(items=[service.out(row) for row in rows], next_cursor=cursor)


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
    decision = service.decide(session, who, recommendation, if_match, wish)
    response.headers["ETag"] = etag.of(decision.after.version)
    return decision


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


@router.get("/reason-codes", operation_id="list_reason_codes", responses=problems())
def list_reason_codes(who: Caller) -> Page[ReasonCodeOut]:  # noqa: ARG001  the caller must be known, whoever it is
    """List the reasons that an override or a rejection may give."""
    codes = [
        ReasonCodeOut(code=code, meaning=meaning, note_required=code == reasons.OTHER)
        for code, meaning in reasons.MEANINGS.items()
    ]
    return Page(items=codes, next_cursor=None)
