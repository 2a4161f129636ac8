"""What people decide about recommendations, one by one or many together, and what approvers say to it."""

import json
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, contains_eager

from services.planner.ledger.tables import TABLES, Entry
from services.planner.recommendations import guard
from services.planner.recommendations.decisions import IllegalMove, Move, after
from services.planner.recommendations.desk import Desk, Draft, event
from services.planner.recommendations.schemas import MOST_AT_ONCE, ApprovalIn, DecisionIn, DecisionOut, DecisionRowIn
from services.planner.recommendations.tables import Recommendation, RecommendationState
from shared import etag, four_eyes, ledger
from shared.errors import NotFound, Problem, StaleVersion, Unprocessable
from shared.principal import Principal

GONE = "There is no such recommendation in this area."


class StaleVersions(StaleVersion):
    most_errors = MOST_AT_ONCE


def decide(
    session: Session, who: Principal, recommendation_id: UUID, if_match: str | None, wish: DecisionIn
) -> DecisionOut:
    """Record a decision: new state and ledger entry in one transaction. Only `annotate` goes without If-Match."""
    desk = Desk(session, who)
    desk.complete(wish)
    version = None if wish.action == "annotate" else etag.expected_version(if_match)
    row = _one(session, who, recommendation_id, version)
    return _store(session, who, [_draft(desk, row, wish)])[0]


def decide_all(session: Session, who: Principal, wishes: Sequence[DecisionRowIn]) -> list[DecisionOut]:
    """Record decisions on several recommendations as one block of the ledger, or none of them.

    What is refused is told of every row that it is true of.
    """
    desk = Desk(session, who)
    _each(wishes, lambda wish: _complete(desk, wish))
    _each(_repeated(wishes), _raise)
    found = {row.id: row for row in _lock(session, who, [wish.recommendation for wish in wishes])}
    rows = _each(wishes, lambda wish: _present(found.get(wish.recommendation)))
    pairs = list(zip(rows, wishes, strict=True))
    _each(pairs, lambda pair: _check(*pair))
    return _store(session, who, _each(pairs, lambda pair: _draft(desk, *pair)))


def approve(session: Session, who: Principal, recommendation_id: UUID, version: int, wish: ApprovalIn) -> DecisionOut:
    """Let a decision that awaits approval stand, or propose the recommendation again. The decider may do neither."""
    if wish.action == "refuse" and wish.note is None:
        raise Unprocessable("A refusal says why.", errors=[{"pointer": "#/note", "detail": "is required here"}])
    row = _one(session, who, recommendation_id, version)
    before = row.state.value
    decided = after(before, Move(wish.action))
    decision = session.get_one(Entry, (who.area.area, row.state.sequence))
    if not four_eyes.differ(_decider(decision), four_eyes.Identity(who.id, who.on_behalf_of)):
        raise four_eyes.SamePerson("Somebody else has to approve or refuse what you decided.")
    facts: dict[str, Any] = {
        "reason_code": before.reason_code,
        "note": wish.note,
        "warnings": [],
        "decision": decision.sequence,
    }
    return _store(session, who, [Draft(row, decided, event(row, wish.action, before, decided, facts))])[0]


def out(entry: Entry) -> DecisionOut:
    """A decision as its ledger entry has it."""
    body = json.loads(entry.content)["body"]
    names = ("before", "after", "until", "reason_code", "note", "warnings", "approval_for")
    shown = {name: body[name] for name in names if name in body}
    named = {"sequence": entry.sequence, "action": entry.action, "at": entry.at, "actor": entry.actor}
    return DecisionOut.model_validate(shown | named | {"recommendation": entry.subject})


def lock(session: Session, who: Principal, recommendation_id: UUID) -> Recommendation:
    """The recommendation with its state locked, so that of two decisions the second sees the first; 404."""
    return _present(next(iter(_lock(session, who, [recommendation_id])), None))


def successor(session: Session, row: Recommendation) -> UUID | None:
    """The newest recommendation of the same type for the same item-location or resource, where it is a newer one.

    What a scenario's plan recommends has no state and is none.
    """
    same = select(Recommendation.id).join(Recommendation.state)
    newer = same.where(*alike(row), Recommendation.created_at > row.created_at)
    return session.scalar(newer.order_by(Recommendation.created_at.desc()).limit(1))


def alike(row: Recommendation) -> list[ColumnElement[bool]]:
    """What is true of the area's recommendations of the same type for the same item-location or resource."""
    return [
        Recommendation.area == row.area,
        Recommendation.item == row.item,
        Recommendation.location == row.location,
        Recommendation.type == row.type,
        Recommendation.content["resource"].as_string() == row.content.get("resource"),
    ]


def _one(session: Session, who: Principal, recommendation_id: UUID, version: int | None) -> Recommendation:
    row = lock(session, who, recommendation_id)
    if version is not None:
        etag.check(row.state.version, version)
    return row


def _lock(session: Session, who: Principal, ids: Sequence[UUID]) -> Sequence[Recommendation]:
    """Those of the area, in the order of their ids, so that two that meet wait for each other."""
    guard.deciding(session, who.area.area)
    state = Recommendation.state
    wanted = select(Recommendation).join(state).options(contains_eager(state))
    mine = wanted.where(Recommendation.area == who.area.area, Recommendation.id.in_(ids))
    return session.scalars(mine.order_by(Recommendation.id).with_for_update(of=RecommendationState)).all()


def _present(row: Recommendation | None) -> Recommendation:
    if row is None:
        raise NotFound(GONE)
    return row


def _draft(desk: Desk, row: Recommendation, wish: DecisionIn) -> Draft:
    """The decision's draft; a refusal of what is over links to what took its place."""
    try:
        return desk.draft(row, wish)
    except IllegalMove as error:
        newer = successor(desk.session, row) if row.state.status in {"superseded", "expired"} else None
        if newer is None:
            raise
        detail = f"{error.detail} Its successor is recommendation {newer}."
        link = f'</v1/areas/{row.area}/recommendations/{newer}>; rel="successor-version"'
        raise IllegalMove(detail, headers={"Link": link}) from None


def _store(session: Session, who: Principal, drafts: Sequence[Draft]) -> list[DecisionOut]:
    """Append the drafts to the ledger and move the states."""
    block = ledger.append_all(session, TABLES, who, [draft.event for draft in drafts])
    for sequence, draft in zip(block, drafts, strict=True):
        if draft.state != draft.row.state.value:
            keeps = draft.event.action == "approve"  # the decision is still the decider's
            draft.row.state.set(draft.state, draft.row.state.sequence or sequence if keeps else sequence)
    written = select(Entry).where(Entry.area == who.area.area, Entry.sequence.between(block.start, block.stop - 1))
    return [out(entry) for entry in session.scalars(written.order_by(Entry.sequence))]


def _decider(entry: Entry) -> four_eyes.Identity:
    principal = json.loads(entry.content)["principal"]
    return four_eyes.Identity(principal, None if entry.actor == principal else entry.actor)


def _complete(desk: Desk, wish: DecisionRowIn) -> None:
    desk.complete(wish)
    if wish.action != "annotate" and wish.version is None:
        errors = [{"pointer": "#/version", "detail": "is required here"}]
        raise Unprocessable("Each decision names the version that was read.", errors=errors)


def _check(row: Recommendation, wish: DecisionRowIn) -> None:
    if wish.version is not None and row.state.version != wish.version:
        raise StaleVersions(f"version {row.state.version} is current")


def _repeated(wishes: Sequence[DecisionRowIn]) -> list[Problem | None]:
    """A problem for each row whose recommendation another row names too."""
    ids = [wish.recommendation for wish in wishes]
    twice = {one for one in ids if ids.count(one) > 1} if len(set(ids)) < len(ids) else set()
    return [Unprocessable("another row decides on the same recommendation") if one in twice else None for one in ids]


def _raise(problem: Problem | None) -> None:
    if problem:
        raise problem


def _each[T, R](rows: Sequence[T], do: Callable[[T], R]) -> list[R]:
    """`do` for each row of `decisions`; where rows are refused, one problem with a pointer to each of them."""
    done, refused = [], []
    for place, row in enumerate(rows):
        try:
            done.append(do(row))
        except Problem as problem:
            refused.append((place, problem))
    if not refused:
        return done
    kind = type(refused[0][1])
    alike = [(place, problem) for place, problem in refused if type(problem) is kind]
    errors = [error for place, problem in alike for error in _pointed(place, problem)]
    raise kind(f"{len(alike)} of {len(rows)} decisions cannot be recorded; none was.", errors=errors)


def _pointed(place: int, problem: Problem) -> list[dict[str, Any]]:
    row = f"#/decisions/{place}"
    if not problem.errors:
        return [{"pointer": row, "detail": problem.detail}]
    return [dict(error) | {"pointer": row + error["pointer"].removeprefix("#")} for error in problem.errors]
