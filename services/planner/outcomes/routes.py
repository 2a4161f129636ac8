"""Outcomes over HTTP."""

from typing import Annotated

from fastapi import Query

from services.planner.outcomes import service
from services.planner.outcomes.schemas import By, DecisionValuesOut, OutcomeOut
from services.planner.outcomes.tables import Outcome
from shared import app
from shared.app import problems
from shared.db import Read
from shared.paging import Page, Paging, page
from shared.principal import Caller

router = app.router(tags=["Recommendations and decisions"])


@router.get("/outcomes", operation_id="list_outcomes", responses=problems())
def list_outcomes(who: Caller, session: Read, asked: Paging) -> Page[OutcomeOut]:
    """List what became of decisions, each replayed on actual demand beside what else could have been done."""
    rows, cursor = page(session, service.outcomes(who), (Outcome.recommendation_id,), asked)
    return Page(items=[service.out(row) for row in rows], next_cursor=cursor)


@router.get("/decisions/outcomes", operation_id="get_outcomes", responses=problems())
def get_outcomes(who: Caller, session: Read, by: Annotated[By, Query()] = "person") -> DecisionValuesOut:
    """Show what decisions added to the recommendations, by person, reason code, type, item class, action or policy."""
    return service.values(session, who, by)
