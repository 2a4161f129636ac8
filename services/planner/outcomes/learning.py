"""What people know again and again: overrides of one kind that were better than what was recommended."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.planner.ledger.tables import Entry
from services.planner.outcomes.service import FEWEST, bounds
from services.planner.outcomes.tables import Outcome
from services.planner.plans import sentence
from services.planner.plans.money import money
from services.planner.plans.proposals import Origin
from services.planner.recommendations.decisions import COMMITTED
from services.planner.recommendations.schemas import Content
from services.planner.recommendations.tables import Recommendation, RecommendationState

MOST = 20_000  # overrides, the newest
ONE_WAY = 0.8  # share of them that go up, or down
DIGITS = 3
SETTLED = (*COMMITTED, "rejected")


type Key = tuple[str | None, str | None, str | None]  # item, location, reason


@dataclass(frozen=True)
class Group:
    """Overrides of an item-location, or for a reason: relative changes and value added of each."""

    item: str | None
    location: str | None
    reason: str | None
    change: "np.ndarray[Any, np.dtype[np.float64]]"
    added: "np.ndarray[Any, np.dtype[np.float64]]"


def groups(session: Session, area: str) -> list[Group]:
    """Overridden orders of the area that were measured since somebody last decided what to do about their kind."""
    row, state = Recommendation, RecommendationState
    recommended = row.content["order"]["quantity"].as_float()
    told = select(
        row.item,
        row.location,
        Outcome.reason_code,
        (state.quantity / recommended - 1).label("change"),
        (Outcome.recommended_cost - Outcome.executed_cost).label("added"),
        Outcome.evaluated_at,
    )
    told = told.join(row, row.id == Outcome.recommendation_id).join(row.state)
    told = told.where(Outcome.area == area, Outcome.action == "override", ~Outcome.censored)
    rows = session.execute(told.order_by(Outcome.evaluated_at.desc()).limit(MOST)).all()
    settled = _settled(session, area)
    found: dict[Key, list[Any]] = defaultdict(list)
    for one in rows:
        for key in ((one.item, one.location, None), (None, None, one.reason_code)):
            if key not in settled or one.evaluated_at > settled[key]:
                found[key].append(one)
    return [
        Group(*key, np.array([one.change for one in ones]), np.array([one.added for one in ones]))
        for key, ones in sorted(found.items(), key=lambda each: tuple(map(str, each[0])))
    ]


def proposals(origin: Origin, found: list[Group]) -> Iterator[Content]:
    """One recommendation for each group that changes most orders one way and is better for it beyond chance."""
    for group in found:
        low, high = bounds(group.added)
        upward = float(np.mean(group.change > 0))
        if len(group.added) < FEWEST or low is None or high is None or low <= 0:
            continue
        if max(upward, float(np.mean(group.change < 0))) < ONE_WAY:
            continue
        bias = {
            "reason_code": group.reason,
            "overrides": len(group.added),
            "mean_change": round(float(group.change.mean()), DIGITS),
            "value_added": money(float(group.added.mean())),
            "low": money(low),
            "high": money(high),
        }
        facts = origin.common("review_forecast", group.item, group.location) | {"order": None, "faults": []}
        yield Content.model_validate(facts | {"bias": bias, "text": sentence.bias(facts | {"bias": bias})})


def _settled(session: Session, area: str) -> dict[Key, Any]:
    """When somebody last accepted or rejected to look at a group."""
    row, state = Recommendation, RecommendationState
    reason = row.content["bias"]["reason_code"].as_string()
    decided = select(row.item, row.location, reason.label("reason"), func.max(Entry.at).label("at")).join(row.state)
    decided = decided.join(state.entry).where(state.area == area, row.type == "review_forecast")
    decided = decided.where(state.status.in_(SETTLED)).group_by(row.item, row.location, reason)
    return {(one.item, one.location, one.reason): one.at for one in session.execute(decided)}
