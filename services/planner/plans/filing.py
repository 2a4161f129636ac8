"""What a plan run leaves behind, in one transaction: lines, recommendations, their states and a ledger entry."""

import datetime
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import exists, func, select, update
from sqlalchemy.orm import Session

from services.planner.automation import grounding, routing
from services.planner.ledger.tables import TABLES
from services.planner.plans.buckets import shift
from services.planner.plans.bulk import copy
from services.planner.plans.schemas import PlanWarningOut
from services.planner.plans.snapshot import commitments
from services.planner.plans.tables import Plan, PlanRow
from services.planner.recommendations import content, guard
from services.planner.recommendations.content_schemas import Content
from services.planner.recommendations.decisions import OPEN, State
from services.planner.recommendations.tables import Recommendation, RecommendationState
from shared import ledger
from shared.principal import Area, Principal


def file(
    session: Session,
    run: Plan,
    who: Principal,
    proposed: Sequence[Content],
    counted: set[UUID],
    noticed: grounding.Noticed,
) -> list[PlanWarningOut]:
    """File a plan's recommendations in place of those that are still open, and warn where some were not.

    counted: decided orders that the plan took for supply under way. Where somebody decided on another one while the
    plan was computed, its item-location gets no order: it would be ordered twice. Where somebody reverted one, it
    stays open: the plan counts on it.
    """
    guard.filing(session, run.area)
    filed, warnings = _without_decided(session, run.area, proposed, counted)
    earlier = grounding.before(session, who, filed)
    grounded = grounding.grounded(session, who, run, filed, noticed, earlier)
    filed = routing.routed(session, who, grounded, earlier)
    superseded = _supersede(session, run, counted)
    texts = store(session, run, filed)
    _propose(session, run, filed, who.area)
    body = {
        "digest": content.digest(texts),
        "count": len(texts),
        **_what_became_of_others(session, run, superseded),
        "forecast": str(run.forecast_id),
        "model_version": run.model_version,
        "input_digest": run.input_digest,
        "output_digest": run.output_digest,
        "code_version": run.code_version,
    }
    ledger.append(session, TABLES, who, "plan", str(run.id), body)
    routing.accept(session, who, filed)
    return warnings


def _without_decided(
    session: Session, area: str, proposed: Sequence[Content], counted: set[UUID]
) -> tuple[list[Content], list[PlanWarningOut]]:
    since = [row for row in session.execute(commitments(area)) if row.recommendation_id not in counted]
    decided = {(row.item, row.location) for row in since}
    left = [one for one in proposed if one.order is None or (one.item, one.location) not in decided]
    if len(left) == len(proposed):
        return left, []
    detail = "Decided on while the plan was computed: no order is recommended before the next plan."
    return left, [PlanWarningOut(code="decided-meanwhile", detail=detail, count=len(proposed) - len(left))]


def _supersede(session: Session, run: Plan, counted: set[UUID]) -> list[UUID]:
    """Close what is open of the area's older plans, save what was counted and what the plan takes over."""
    state = RecommendationState
    taken_over = exists().where(
        PlanRow.plan_id == run.id,
        PlanRow.origin == Recommendation.plan_id,
        PlanRow.item == Recommendation.item,
        PlanRow.location == Recommendation.location,
    )
    still_open = (state.area == run.area, state.status.in_(OPEN), state.recommendation_id.not_in(counted))
    closed = (
        update(state)
        .where(state.recommendation_id == Recommendation.id, *still_open, ~taken_over)
        .where(Recommendation.plan_id.is_not(None))
        .values(asdict(State("superseded", superseded_by=run.id)) | {"version": state.version + 1})
        .returning(state.recommendation_id)
    )
    return sorted(session.scalars(closed.execution_options(synchronize_session=False)))


def _what_became_of_others(session: Session, run: Plan, superseded: Sequence[UUID]) -> dict[str, list[str]]:
    """For the ledger, what stayed open of what was there, or, of a net change, what did not: whichever is short."""
    if run.net_change:
        return {"superseded": [str(identifier) for identifier in superseded]}
    state = RecommendationState
    still_open = select(state.recommendation_id).join(Recommendation, Recommendation.id == state.recommendation_id)
    others = Recommendation.plan_id.is_distinct_from(run.id)
    kept = still_open.where(state.area == run.area, state.status.in_(OPEN), others)
    return {"kept": sorted(str(identifier) for identifier in session.scalars(kept))}


def store(session: Session, run: Plan, contents: Sequence[Content]) -> list[str]:
    """Write contents; the texts in the order of the ids. Without states nobody can decide on them."""
    ordered = sorted(contents, key=lambda one: one.id)
    texts = [content.text(one) for one in ordered]
    now = session.scalar(select(func.now()))
    rows = (_row(run, one, text, now) for one, text in zip(ordered, texts, strict=True))
    copy(session, "recommendations", ("id", "area", "plan_id", "content", "created_at", *content.COLUMNS), rows)
    return texts


def _propose(session: Session, run: Plan, contents: Sequence[Content], area: Area) -> None:
    """Give what was stored its first states: from then on it is in the inbox."""
    today = area.today()
    states = ((one.id, run.area, "proposed", 1, _expiry(one, area, today)) for one in contents)
    names = ("recommendation_id", "area", "status", "version", "expires_on")
    copy(session, "recommendation_state", names, states)


def _expiry(one: Content, area: Area, today: datetime.date) -> datetime.date | None:
    """The first day after the period by which an order must be released, or in which one that is under way comes.

    None where a plan looks back on it.
    """
    last = one.order.release_by if one.order else one.change.due if one.change else None
    if last is None:
        return None
    day = shift(last, area.frequency, 1)
    return day if day > today else None


def _row(run: Plan, one: Content, text: str, now: Any) -> tuple[Any, ...]:
    columns = content.columns(one)
    return (one.id, run.area, run.id, text, now, *(columns[name] for name in content.COLUMNS))
