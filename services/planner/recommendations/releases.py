"""Recommendations that the ERP has begun to carry out."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.planner.ledger.tables import TABLES
from services.planner.recommendations import guard
from services.planner.recommendations.content import IS_ORDER
from services.planner.recommendations.decisions import RELEASED, Move, State, after
from services.planner.recommendations.schemas import StandingOut
from services.planner.recommendations.tables import Recommendation, RecommendationState
from shared import ledger
from shared.errors import Unprocessable
from shared.imports.kinds import Finding
from shared.ledger import Event
from shared.parse import Fault
from shared.principal import Principal
from shared.rows import Rows

FOR = ("recommendation_id", "item", "location")


class UnknownReference(Unprocessable):
    slug, title = "unknown-reference", "Refers to something that is not there"


class Delivery(Protocol):
    """A row of a body that may name the recommendation that it carries out."""

    @property
    def recommendation_id(self) -> UUID | None: ...


def unknown(session: Session, who: Principal, rows: Rows[Any]) -> Finding:
    """Rows that name none of the area's orders for their item and location."""
    named = {named for named in rows.codes("recommendation_id").values if named}
    if not named:
        return Finding([])
    columns = (Recommendation.id, Recommendation.item, Recommendation.location)
    known = select(*columns).join(Recommendation.state)
    known = known.where(Recommendation.area == who.area.area, Recommendation.id.in_(named))
    orders = {tuple(order) for order in session.execute(known.where(IS_ORDER))}
    delivered = zip(rows.numbers.tolist(), *(rows.values(name) for name in FOR), strict=True)
    detail = "there is no such order for this item and location"
    faults = [
        Fault(row, "recommendation_id", detail) for row, *order in delivered if order[0] and tuple(order) not in orders
    ]
    return Finding(faults, UnknownReference, "Some rows name recommendations that are not there.")


def lock(session: Session, who: Principal, rows: Sequence[Delivery]) -> list[RecommendationState]:
    """The recommendations that the rows carry out, locked.

    One that is released already (a replay, a second delivery, or what the ERP told of before) needs nothing.
    """
    named = {row.recommendation_id for row in rows if row.recommendation_id}
    if not named:
        return []
    guard.deciding(session, who.area.area)
    states = select(RecommendationState).where(
        RecommendationState.area == who.area.area, RecommendationState.recommendation_id.in_(named)
    )
    found = session.scalars(states.order_by(RecommendationState.recommendation_id).with_for_update())
    return [state for state in found if state.status not in RELEASED]


def record(session: Session, who: Principal, states: Iterable[RecommendationState]) -> None:
    """Move the locked recommendations to released, each with its ledger entry; 409 where nobody decided on one."""
    changes = [(state, after(state.value, Move("release"))) for state in states]
    events = [Event("release", str(state.recommendation_id), _body(state, released)) for state, released in changes]
    for sequence, (state, released) in zip(ledger.append_all(session, TABLES, who, events), changes, strict=True):
        state.set(released, sequence)


def _body(state: RecommendationState, released: State) -> dict[str, Any]:
    standings = {"before": StandingOut.facts(state.value), "after": StandingOut.facts(released)}
    return standings | {"reason_code": None, "note": None}
