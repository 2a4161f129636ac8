"""The inbox of recommendations and what people decide about them."""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import InstrumentedAttribute, Session, contains_eager

from services.planner.ledger.tables import TABLES, Entry
from services.planner.recommendations import advice, guard
from services.planner.recommendations.decisions import Move, State, after
from services.planner.recommendations.reasons import OTHER
from services.planner.recommendations.schemas import (
    AdviceOut,
    DecidedOut,
    DecisionIn,
    DecisionOut,
    RecommendationDetailOut,
    RecommendationOut,
    Sort,
    StandingOut,
)
from services.planner.recommendations.tables import Recommendation, RecommendationState
from shared import etag, ledger
from shared.errors import NotFound, Unprocessable
from shared.principal import Principal

DECISIONS = ("accept", "override", "reject", "annotate", "revert")
SORTS: dict[Sort, tuple[InstrumentedAttribute[Any], ...]] = {
    "-net_benefit": (Recommendation.net_benefit, Recommendation.id),
    "created_at": (Recommendation.created_at, Recommendation.id),
}


def inbox(
    who: Principal,
    *,
    status: str | None,
    kind: str | None,
    item: str | None,
    location: str | None,
    plan: UUID | None,
    min_impact: Decimal | None,
) -> Select[Recommendation]:
    """The area's recommendations that match the filters which were given."""
    given = {
        RecommendationState.status: status,
        Recommendation.type: kind,
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
        raise NotFound("There is no such recommendation in this area.")
    return RecommendationDetailOut(**_fields(found), decisions=_decisions(session, who, recommendation_id))


def out(row: Recommendation) -> RecommendationOut:
    return RecommendationOut(**_fields(row))


def decide(
    session: Session, who: Principal, recommendation_id: UUID, if_match: str | None, wish: DecisionIn
) -> DecisionOut:
    """Record a decision: new state and ledger entry in one transaction. Only `annotate` goes without If-Match."""
    _complete(wish)
    version = None if wish.action == "annotate" else etag.expected_version(if_match)
    guard.deciding(session, who.area.area)
    row = _lock(session, who, recommendation_id)
    if version is not None:
        etag.check(row.state.version, version)
    proposal = advice.Proposal.of(row.content)
    before = row.state.value
    made = _move(wish, proposal)
    decided = after(before, made)
    body = _body(row, before, decided, wish, _warnings(wish, proposal, made))
    sequence = ledger.append(session, TABLES, who, wish.action, str(row.id), body)
    if decided != before:
        row.state.set(decided, sequence)
    return _decision(session.get_one(Entry, (who.area.area, sequence)))


def _lock(session: Session, who: Principal, recommendation_id: UUID) -> Recommendation:
    """The recommendation with its state locked, so that of two decisions the second sees the first."""
    wanted = _with_state(who).where(Recommendation.id == recommendation_id)
    found = session.scalar(wanted.with_for_update(of=RecommendationState))
    if found is None:
        raise NotFound("There is no such recommendation in this area.")
    return found


def _with_state(who: Principal) -> Select[Recommendation]:
    joined = select(Recommendation).join(Recommendation.state).options(contains_eager(Recommendation.state))
    return joined.where(Recommendation.area == who.area.area)


def _complete(wish: DecisionIn) -> None:
    """422 with a pointer to each field that the action lacks, or has no use for."""
    errors = [{"pointer": f"#/{name}", "detail": detail} for name, detail in (*_missing(wish), *_superfluous(wish))]
    if errors:
        raise Unprocessable(f"The fields do not make a decision to {wish.action}.", errors=errors)


def _missing(wish: DecisionIn) -> Sequence[tuple[str, str]]:
    missing = []
    if wish.action in {"override", "reject"} and wish.reason_code is None:
        missing.append(("reason_code", "is required; GET reason-codes lists them"))
    if wish.action == "override" and wish.quantity is None and wish.due is None:
        missing.append(("quantity", "an override changes the quantity, the due date or both"))
    if wish.note is None and (wish.action == "annotate" or wish.reason_code == OTHER):
        missing.append(("note", "is required here"))
    return missing


def _superfluous(wish: DecisionIn) -> Sequence[tuple[str, str]]:
    allowed = {"override": {"quantity", "due", "reason_code"}, "reject": {"reason_code"}}.get(wish.action, set())
    given = {name for name in ("quantity", "due", "reason_code") if getattr(wish, name) is not None}
    return [(name, f"has no meaning with {wish.action}") for name in sorted(given - allowed)]


def _move(wish: DecisionIn, proposal: advice.Proposal | None) -> Move:
    """What the decision settles: an order's quantity and due date, nothing where data are to be mended."""
    if wish.action in {"accept", "override"} and proposal:
        quantity, due = wish.quantity or proposal.quantity, wish.due or proposal.receipt_date
        return Move(wish.action, quantity, due, wish.reason_code)
    if wish.action == "override":
        raise Unprocessable("Only an order has a quantity and a date to override: accept, reject or annotate this.")
    return Move(wish.action, reason_code=wish.reason_code)


def _warnings(wish: DecisionIn, proposal: advice.Proposal | None, made: Move) -> list[AdviceOut]:
    if proposal is None or wish.action != "override" or made.quantity is None or made.due is None:
        return []
    return advice.warnings(proposal, made.quantity, made.due, wish.note)


def _body(
    row: Recommendation, before: State, decided: State, wish: DecisionIn, warnings: list[AdviceOut]
) -> dict[str, Any]:
    return {
        "plan": str(row.plan_id),
        "forecast": row.content["forecast"],
        "model_version": row.content["model_version"],
        "before": StandingOut.facts(before),
        "after": StandingOut.facts(decided),
        "reason_code": wish.reason_code,
        "note": wish.note,
        "warnings": [warning.model_dump() for warning in warnings],
    }


def _decisions(session: Session, who: Principal, recommendation_id: UUID) -> list[DecisionOut]:
    about = select(Entry).where(Entry.area == who.area.area, Entry.subject == str(recommendation_id))
    entries = session.scalars(about.where(Entry.action.in_(DECISIONS)).order_by(Entry.sequence))
    return [_decision(entry) for entry in entries]


def _decision(entry: Entry) -> DecisionOut:
    body = json.loads(entry.content)["body"]
    shown = {name: body[name] for name in ("before", "after", "reason_code", "note", "warnings")}
    named = {"sequence": entry.sequence, "action": entry.action, "at": entry.at, "actor": entry.actor}
    return DecisionOut.model_validate(shown | named | {"recommendation": entry.subject})


def _fields(row: Recommendation) -> dict[str, Any]:
    state = row.state
    return row.content | {
        "status": state.status,
        "version": state.version,
        "decided": DecidedOut(quantity=state.quantity, due=state.due, reason_code=state.reason_code),
        "superseded_by": state.superseded_by,
        "created_at": row.created_at,
    }
