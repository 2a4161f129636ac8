"""Outcomes as they are stored, and what decisions were worth by who took them and why."""

import math
from collections import defaultdict
from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload

from services.planner.outcomes.schemas import By, DecisionValueOut, DecisionValuesOut, OutcomeOut, ReplayedOut
from services.planner.outcomes.tables import Outcome
from services.planner.plans.money import money
from services.planner.recommendations.tables import Recommendation
from shared.principal import Principal

MOST = 200_000  # of the newest that are looked at
FEWEST, MANY = 5, 5000
RESAMPLES = 2000
SEED = 1
COLUMN = {
    "person": Outcome.actor,
    "reason": Outcome.reason_code,
    "type": Recommendation.type,
    "class": Outcome.item_class,
    "action": Outcome.action,
    "policy": Outcome.policy,
}
WAYS = ("executed", "recommended", "nothing")


def outcomes(who: Principal) -> Select[Outcome]:
    """Outcomes of the area with their recommendations."""
    named = (Recommendation.type, Recommendation.item, Recommendation.location)
    loaded = joinedload(Outcome.recommendation).load_only(*named)
    return select(Outcome).where(Outcome.area == who.area.area).options(loaded)


def out(found: Outcome) -> OutcomeOut:
    ways = {
        way: ReplayedOut(
            cost=money(getattr(found, f"{way}_cost")),
            short=getattr(found, f"{way}_short"),
            stock=getattr(found, f"{way}_stock"),
        )
        for way in WAYS
    }
    names = ("first", "last", "censored", "action", "actor", "reason_code", "policy", "item_class", "demand")
    return OutcomeOut(
        recommendation=found.recommendation_id,
        type=found.recommendation.type,
        item=found.recommendation.item,
        location=found.recommendation.location,
        value_added=ways["recommended"].cost - ways["executed"].cost,
        **{name: getattr(found, name) for name in names},
        **ways,
    )


def values(session: Session, who: Principal, by: By) -> DecisionValuesOut:
    """What decisions added, by group, the largest group first."""
    found = select(
        COLUMN[by].label("group"),
        (Outcome.recommended_cost - Outcome.executed_cost).label("added"),
        (Outcome.nothing_cost - Outcome.recommended_cost).label("advice"),
        Outcome.censored,
    ).join(Recommendation, Recommendation.id == Outcome.recommendation_id)
    newest = found.where(Outcome.area == who.area.area).order_by(Outcome.evaluated_at.desc()).limit(MOST)
    groups: dict[str | None, list[Any]] = defaultdict(list)
    for row in session.execute(newest):
        groups[row.group].append(row)
    ordered = sorted(groups.items(), key=lambda one: (-len(one[1]), one[0] or ""))
    return DecisionValuesOut(by=by, currency=who.area.currency, items=[_value(group, rows) for group, rows in ordered])


def _value(group: str | None, rows: Sequence[Any]) -> DecisionValueOut:
    added = np.array([row.added for row in rows])
    low, high = bounds(added)
    return DecisionValueOut(
        group=group,
        n=len(rows),
        censored=sum(row.censored for row in rows),
        value_added=money(float(added.mean())),
        low=None if low is None else money(low),
        high=None if high is None else money(high),
        advice=money(float(np.mean([row.advice for row in rows]))),
    )


def bounds(values: npt.NDArray[np.float64]) -> tuple[float | None, float | None]:
    """95 % bounds of the mean by resampling, always the same; none for a few. Source: Efron (1979), the bootstrap.

    Of many they are those of the normal distribution, from which resampling hardly differs then.
    """
    if len(values) < FEWEST:
        return None, None
    if len(values) > MANY:
        within = NormalDist(float(values.mean()), float(values.std(ddof=1)) / math.sqrt(len(values)))
        return within.inv_cdf(0.025), within.inv_cdf(0.975)
    random = np.random.default_rng(SEED)
    means = [float(random.choice(values, len(values)).mean()) for _ in range(RESAMPLES)]
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)
