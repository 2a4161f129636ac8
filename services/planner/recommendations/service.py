"""The inbox of recommendations, and what became of each."""

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, get_args
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import InstrumentedAttribute, Session, contains_eager

from services.planner.ledger.tables import Entry
from services.planner.plans import pegs
from services.planner.recommendations import deciding, executions
from services.planner.recommendations.decisions import ApproverAction, PersonAction
from services.planner.recommendations.schemas import (
    DecidedOut,
    DecisionOut,
    RecommendationDetailOut,
    RecommendationOut,
    Sort,
)
from services.planner.recommendations.tables import Recommendation, RecommendationState
from shared.errors import NotFound
from shared.principal import Principal

DECISIONS = (*get_args(PersonAction), *get_args(ApproverAction))
SORTS: dict[Sort, tuple[InstrumentedAttribute[Any], ...]] = {
    "-net_benefit": (Recommendation.net_benefit, Recommendation.id),
    "created_at": (Recommendation.created_at, Recommendation.id),
}


def inbox(
    who: Principal,
    *,
    status: str | None,
    kind: str | None,
    route: str | None,
    item: str | None,
    location: str | None,
    plan: UUID | None,
    min_impact: Decimal | None,
) -> Select[Recommendation]:
    """The area's recommendations that match the filters which were given."""
    given = {
        RecommendationState.status: status,
        Recommendation.type: kind,
        Recommendation.route: route,
        Recommendation.item: item,
        Recommendation.location: location,
        Recommendation.plan_id: plan,
    }
    matching = [column == value for column, value in given.items() if value is not None]
    if min_impact is not None:
        matching.append(Recommendation.cost_of_inaction >= min_impact)
    return _with_state(who).where(*matching)


def get(session: Session, who: Principal, recommendation_id: UUID) -> RecommendationDetailOut:
    """One recommendation with the decisions so far."""
    found = session.scalar(_with_state(who).where(Recommendation.id == recommendation_id))
    if found is None:
        raise NotFound(deciding.GONE)
    return RecommendationDetailOut(
        **_fields(found),
        pegged_demand=pegs.of_order(session, found),
        decisions=_decisions(session, who, [found.id], DECISIONS),
        carried_over=_decisions(session, who, _predecessors(session, found), ["annotate"]),
        executions=executions.of(session, found),
    )


def out(row: Recommendation) -> RecommendationOut:
    return RecommendationOut(**_fields(row))


def _with_state(who: Principal) -> Select[Recommendation]:
    joined = select(Recommendation).join(Recommendation.state).options(contains_eager(Recommendation.state))
    return joined.where(Recommendation.area == who.area.area)


def _decisions(session: Session, who: Principal, ids: Sequence[UUID], actions: Sequence[str]) -> list[DecisionOut]:
    subjects = [str(identifier) for identifier in ids]
    about = select(Entry).where(Entry.area == who.area.area, Entry.subject.in_(subjects), Entry.action.in_(actions))
    return [deciding.out(entry) for entry in session.scalars(about.order_by(Entry.sequence))]


def _predecessors(session: Session, row: Recommendation) -> list[UUID]:
    """Those that plan after plan superseded, down to this one: of one type for one item-location or resource.

    Orders from several sources have each other's predecessors too: a newer plan may order from another source.
    """
    state = RecommendationState
    same = select(Recommendation.id, Recommendation.plan_id, state.superseded_by).join(Recommendation.state)
    superseded = same.where(state.status == "superseded", *deciding.alike(row))
    by_successor: dict[UUID | None, list[Any]] = defaultdict(list)
    for found in session.execute(superseded):
        by_successor[found.superseded_by].append(found)
    chain, plan = [], row.plan_id
    while before := by_successor.pop(plan, None):
        chain += [one.id for one in before]
        plan = before[0].plan_id
    return chain


def _fields(row: Recommendation) -> dict[str, Any]:
    state = row.state
    return row.content | {
        "status": state.status,
        "version": state.version,
        "decided": DecidedOut(
            quantity=state.quantity, due=state.due, reason_code=state.reason_code, source=state.source
        ),
        "deferred_until": state.until,
        "expires_on": state.expires_on,
        "superseded_by": state.superseded_by,
        "created_at": row.created_at,
    }
