"""What people know again and again: overrides of one kind that were better than what was recommended."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.planner.engine.inputs import Floats
from services.planner.outcomes.service import bounds
from services.planner.outcomes.tables import Outcome
from services.planner.plans import sentence
from services.planner.plans.money import money
from services.planner.plans.proposals import Origin
from services.planner.recommendations.content_schemas import Content
from services.planner.recommendations.settled import settled
from services.planner.recommendations.tables import Recommendation, RecommendationState

MOST = 20_000  # overrides, the newest
ONE_WAY = 0.8  # share of them that go up, or down
DIGITS = 3


type Key = tuple[str | None, str | None, str | None]  # item, location, reason


@dataclass(frozen=True)
class Group:
    """Overrides of an item-location, or for a reason: relative changes and value added of each."""

    item: str | None
    location: str | None
    reason: str | None
    change: Floats
    added: Floats

    @property
    def one_way(self) -> bool:
        """Whether most of them go the same way."""
        return max(float(np.mean(self.change > 0)), float(np.mean(self.change < 0))) >= ONE_WAY


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
    reason = row.content["bias"]["reason_code"].as_string().label("reason")
    decided = session.execute(settled(area, ("review_forecast",), row.item, row.location, reason))
    since = {(one.item, one.location, one.reason): one.at for one in decided}
    found: dict[Key, list[Any]] = defaultdict(list)
    for one in rows:
        for key in ((one.item, one.location, None), (None, None, one.reason_code)):
            if key not in since or one.evaluated_at > since[key]:
                found[key].append(one)
    return [
        Group(*key, np.array([one.change for one in ones]), np.array([one.added for one in ones]))
        for key, ones in sorted(found.items(), key=lambda each: tuple(map(str, each[0])))
    ]


def proposals(origin: Origin, found: list[Group]) -> Iterator[Content]:
    """One recommendation for each group that changes most orders one way and is better for it beyond chance."""
    for group in found:
        low, high = bounds(group.added) if group.one_way else (None, None)
        if low is None or high is None or low <= 0:
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
