"""When a second person must look at a decision: pure rules."""

import datetime
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from services.planner.recommendations.schemas import AdviceOut
from services.planner.reference.schemas import ApprovalRules


def order_demands(rules: ApprovalRules, order: Mapping[str, Any], quantity: float) -> Iterator[AdviceOut]:
    """What of an order that somebody accepts or overrides calls for an approver.

    order: of a recommendation's content. quantity: units that were decided.
    """
    value = purchase(order, quantity)
    if rules.order_value_above is not None and value > rules.order_value_above:
        detail = f"The order is worth {value:.2f}, more than {rules.order_value_above}."
        yield AdviceOut(code="order_value", detail=detail)


def barred(rules: ApprovalRules, order: Mapping[str, Any]) -> bool:
    """Whether the recommended order needs an approver even if nobody changes it."""
    return any(order_demands(rules, order, order["quantity"]))


def override_demands(
    rules: ApprovalRules,
    order: Mapping[str, Any],
    quantity: float,
    due: datetime.date,
    periods: Sequence[datetime.date],
) -> Iterator[AdviceOut]:
    """What of an override calls for an approver besides the order's value. periods: the plan's, from its as-of date."""
    increase = cost_increase(order, quantity)
    if rules.cost_increase_above is not None and increase > rules.cost_increase_above:
        detail = f"Expected cost rises by about {increase:.2f}, more than {rules.cost_increase_above}."
        yield AdviceOut(code="cost_increase", detail=detail)
    if rules.frozen_fence and min(due, datetime.date.fromisoformat(order["receipt_date"])) < after(
        periods, rules.frozen_fence
    ):
        detail = f"It changes what is received within the plan's first {rules.frozen_fence} periods."
        yield AdviceOut(code="frozen_fence", detail=detail)


def purchase(order: Mapping[str, Any], quantity: float) -> Decimal:
    """What `quantity` units cost at the recommended order's price."""
    return Decimal(order["cost_of_acting"]["purchase"]) * Decimal(quantity) / Decimal(order["quantity"])


def cost_increase(order: Mapping[str, Any], quantity: float) -> Decimal:
    """By how much more than the recommended order `quantity` units are expected to cost, by the evidence's own figures.

    Net benefit is known at no order, at the recommended quantity and at its alternatives; in between it is taken as
    linear, and beyond the largest of them as falling on as it fell up to there, or flat where it rose. Purchase is
    no part of it, nor is another due date.
    """
    known = {0.0: Decimal(0), order["quantity"]: Decimal(order["net_benefit"])}
    known |= {one["quantity"]: Decimal(one["net_benefit"]) for one in order["alternatives"]}
    return Decimal(order["net_benefit"]) - _interpolated(sorted(known.items()), quantity)


def _interpolated(points: Sequence[tuple[float, Decimal]], at: float) -> Decimal:
    """The value at `at` of the line through at least two points, sorted by where they are."""
    upper = next((place for place, (where, _) in enumerate(points) if where >= at), len(points) - 1)
    (left, low), (right, high) = points[max(upper, 1) - 1 : max(upper, 1) + 1]
    slope = (high - low) / Decimal(right - left)
    beyond = at > points[-1][0]
    start, value = (right, high) if beyond else (left, low)
    return value + (min(slope, Decimal(0)) if beyond else slope) * Decimal(at - start)


def after(periods: Sequence[datetime.date], count: int) -> datetime.date:
    """The first day after the first `count` periods; the last day of all where there are no more."""
    return periods[count] if count < len(periods) else datetime.date.max
