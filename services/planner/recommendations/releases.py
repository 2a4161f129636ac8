"""Recommendations that the ERP has begun to carry out."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.planner.ledger.tables import TABLES
from services.planner.recommendations import guard
from services.planner.recommendations.decisions import Move, after
from services.planner.recommendations.schemas import StandingOut
from services.planner.recommendations.tables import RecommendationState
from shared import ledger
from shared.errors import Unprocessable
from shared.principal import Principal


class UnknownReference(Unprocessable):
    slug, title = "unknown-reference", "Refers to something that is not there"


def lock(session: Session, who: Principal, rows: Mapping[UUID, int]) -> list[RecommendationState]:
    """The recommendations to release, locked; `rows` tells in which row of the body each is named.

    One that is released already (a replay, or a second delivery) needs nothing. 422 where one is not the area's, 409
    where nobody has decided to carry it out.
    """
    if not rows:
        return []
    guard.deciding(session, who.area.area)
    named = select(RecommendationState).where(
        RecommendationState.area == who.area.area, RecommendationState.recommendation_id.in_(rows)
    )
    states = session.scalars(named.order_by(RecommendationState.recommendation_id).with_for_update()).all()
    _all_known(rows, {state.recommendation_id for state in states})
    return [state for state in states if state.status != "released"]


def record(session: Session, who: Principal, states: Iterable[RecommendationState]) -> None:
    """Move the locked recommendations to released, each with its ledger entry."""
    changes = [(state, after(state.value, Move("release"))) for state in states]
    for state, released in changes:
        body = {
            "before": StandingOut.facts(state.value),
            "after": StandingOut.facts(released),
            "reason_code": None,
            "note": None,
        }
        subject = str(state.recommendation_id)
        state.set(released, ledger.append(session, TABLES, who, "release", subject, body))


def _all_known(rows: Mapping[UUID, int], known: set[UUID]) -> None:
    errors = [
        {"pointer": f"#/{index}/recommendation_id", "detail": "there is no such recommendation in this area"}
        for identifier, index in rows.items()
        if identifier not in known
    ]
    if errors:
        raise UnknownReference("Some rows name recommendations that are not there.", errors=errors)
