"""On what grounds a plan's orders are judged: their data, how well their class is planned, fences, the plan before."""

import datetime
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.planner.outcomes.tables import Outcome
from services.planner.plans.buckets import shift
from services.planner.plans.tables import Plan
from services.planner.recommendations import approvals
from services.planner.recommendations.content import IS_ORDER
from services.planner.recommendations.content_schemas import Content
from services.planner.recommendations.decisions import OPEN
from services.planner.recommendations.grounds import CalibrationOut, DataFlag, GroundsOut
from services.planner.recommendations.tables import Recommendation, RecommendationState
from services.planner.reference import service as reference
from shared.principal import Principal

REMEMBERED = 26  # periods whose outcomes count
DIGITS = 4

type Source = tuple[str, str | None, str | None, str]  # type, item, location, source


@dataclass(frozen=True)
class Noticed:
    """What a plan run knows of its item-locations: data flags, where there are any, and categories by item."""

    flags: Mapping[tuple[str, str], list[DataFlag]]
    categories: Mapping[str, str]


@dataclass(frozen=True)
class Before:
    """What of the plan before is still open: units, and the policy that drew it for review with its propensity."""

    quantity: float
    drawn: tuple[str, float] | None


def grounded(
    session: Session,
    who: Principal,
    run: Plan,
    contents: Sequence[Content],
    noticed: Noticed,
    earlier: Mapping[Source, Before],
) -> list[Content]:
    """The same recommendations, orders with their grounds. earlier: what is still open, of the plan before."""
    if not any(one.order for one in contents):
        return list(contents)
    periods = run.periods or []
    fence = reference.approval_rules(session, who).frozen_fence
    thawed = approvals.after(periods, fence) if fence else datetime.date.min
    classes = _calibrations(session, who, shift(periods[0], who.area.frequency, -REMEMBERED), noticed.categories)

    def of(one: Content) -> Content:
        if one.order is None or one.item is None or one.location is None:
            return one
        kind = noticed.categories.get(one.item)
        found = earlier.get(source(one))
        grounds = GroundsOut(
            data_flags=noticed.flags.get((one.item, one.location), []),
            calibration=classes.get(kind) or _calibration(kind, 0, 0),
            in_frozen_fence=one.order.receipt_date < thawed,
            quantity_before=found.quantity if found else None,
        )
        return one.model_copy(update={"grounds": grounds})

    return [of(one) for one in contents]


def source(one: Content) -> Source:
    """What two plans' orders have in common where one is the other's successor."""
    assert one.order is not None  # noqa: S101  asked of orders only
    return one.type, one.item, one.location, one.order.source


def before(session: Session, who: Principal, contents: Sequence[Content]) -> dict[Source, Before]:
    """The area's open orders of the items that new ones are about: a net change is about a few."""
    items = {one.item for one in contents if one.order}
    row = Recommendation
    order, policy = row.content["order"], row.content["policy"]
    told = select(
        *(row.type, row.item, row.location, order["source"].as_string().label("source")),
        order["quantity"].as_float().label("quantity"),
        policy["sampled"].as_boolean().label("sampled"),
        policy["sample"].as_float().label("share"),
        row.policy,
    )
    known = told.join(row.state).where(row.area == who.area.area, RecommendationState.status.in_(OPEN), IS_ORDER)
    known = known.where(row.item == func.any(sorted(filter(None, items))))
    return {
        (one.type, one.item, one.location, one.source): Before(
            one.quantity, (one.policy, one.share) if one.sampled else None
        )
        for one in session.execute(known)
    }


def _calibrations(
    session: Session, who: Principal, since: datetime.date, categories: Mapping[str, str]
) -> dict[str | None, CalibrationOut]:
    """By category, of the outcomes whose windows ended from `since` on."""
    inside = func.count().filter(Outcome.covered.is_(True))
    told = select(Recommendation.item, func.count(), inside).select_from(Outcome).join(Outcome.recommendation)
    told = told.where(Outcome.area == who.area.area, Outcome.last >= since, Outcome.covered.is_not(None))
    measured: Counter[str | None] = Counter()
    covered: Counter[str | None] = Counter()
    for item, count, good in session.execute(told.group_by(Recommendation.item)):
        kind = categories.get(item) if item else None
        measured[kind] += count
        covered[kind] += good
    return {kind: _calibration(kind, count, covered[kind]) for kind, count in measured.items()}


def _calibration(kind: str | None, measured: int, inside: int) -> CalibrationOut:
    share = round(inside / measured, DIGITS) if measured else None
    return CalibrationOut(item_class=kind, measured=measured, inside=inside, coverage=share)
