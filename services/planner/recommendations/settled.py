"""What people have decided about before, so that it is not proposed again for the same reason."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Select, func, select

from services.planner.ledger.tables import Entry
from services.planner.recommendations.decisions import COMMITTED
from services.planner.recommendations.tables import Recommendation, RecommendationState


def settled(area: str, types: Collection[str], *keys: Any) -> Select[*tuple[Any, ...]]:
    """When somebody last accepted or rejected what plans recommended of some types: columns `keys` and `at`."""
    state = RecommendationState
    found = select(*keys, func.max(Entry.at).label("at")).select_from(Recommendation)
    found = found.join(Recommendation.state).join(state.entry)
    decided = state.area == area, Recommendation.type.in_(types), state.status.in_((*COMMITTED, "rejected"))
    return found.where(*decided, Recommendation.plan_id.is_not(None)).group_by(*keys)
