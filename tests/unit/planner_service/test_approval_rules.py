"""When a second person must look, and who that may be."""

import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.planner.recommendations.approvals import (
    cost_increase,
    order_demands,
    override_demands,
)
from services.planner.reference.schemas import ApprovalRules
from shared.four_eyes import Identity, differ
from tests.unit.planner_service.upstream import week

ORDER = {
    "quantity": 20.0,
    "receipt_date": week(2).isoformat(),
    "net_benefit": "100.00",
    "cost_of_acting": {"purchase": "80.00"},
    "alternatives": [
        {"quantity": 25.0, "net_benefit": "90.00"},
        {"quantity": 15.0, "net_benefit": "85.00"},
        {"quantity": 0.0, "net_benefit": "0.00"},
    ],
}
PERIODS = [week(number) for number in range(8)]


@pytest.mark.parametrize(
    ("quantity", "increase"),
    [(20, 0), (25, 10), (15, 15), (22.5, 5), (17.5, 7.5), (7.5, 57.5), (30, 20), (45, 50)],
)
def test_expected_cost_is_read_between_and_beyond_the_evidences_figures(quantity, increase):
    assert cost_increase(ORDER, quantity) == Decimal(increase)


def test_beyond_a_largest_order_that_pays_best_nothing_more_is_gained():
    lone = ORDER | {"alternatives": []}
    assert cost_increase(lone, 40.0) == 0
    assert cost_increase(lone, 10.0) == 50


@given(st.floats(0.01, 1e6))
def test_no_quantity_costs_less_than_the_best_one(quantity):
    assert cost_increase(ORDER, quantity) >= 0


def codes(found):
    return [one.code for one in found]


@pytest.mark.parametrize(("quantity", "demanded"), [(25.0, []), (25.5, ["order_value"])])
def test_an_order_above_the_value_limit_needs_an_approver(quantity, demanded):
    rules = ApprovalRules(order_value_above=Decimal(100))
    assert codes(order_demands(rules, ORDER, quantity)) == demanded


@pytest.mark.parametrize(
    ("limit", "quantity", "demanded"), [("9.99", 25.0, ["cost_increase"]), ("10", 25.0, []), ("0", 20.0, [])]
)
def test_an_override_that_raises_cost_needs_an_approver(limit, quantity, demanded):
    rules = ApprovalRules(cost_increase_above=Decimal(limit))
    assert codes(override_demands(rules, ORDER, quantity, week(2), PERIODS)) == demanded


@pytest.mark.parametrize(
    ("fence", "due", "demanded"),
    [
        (2, week(2), []),
        (3, week(2), ["frozen_fence"]),
        (2, week(1), ["frozen_fence"]),
        (3, week(5), ["frozen_fence"]),
        (2, week(3) - datetime.timedelta(days=1), []),
        (8, week(7), ["frozen_fence"]),
        (None, week(0), []),
    ],
)
def test_what_is_received_inside_the_fence_is_not_moved_alone(fence, due, demanded):
    rules = ApprovalRules(frozen_fence=fence)
    assert codes(override_demands(rules, ORDER, 20.0, due, PERIODS)) == demanded


def test_without_rules_nobody_is_asked():
    assert codes(order_demands(ApprovalRules(), ORDER, 1e9)) == []
    assert codes(override_demands(ApprovalRules(), ORDER, 1e9, week(0), PERIODS)) == []


@pytest.mark.parametrize(
    ("decider", "approver", "two"),
    [
        (("ann", None), ("bob", None), True),
        (("ann", None), ("ann", None), False),
        (("ui", "ann"), ("ui", "bob"), True),
        (("ui", "ann"), ("ui", "ann"), False),
        (("ui", None), ("ui", "bob"), False),
        (("ui", "ann"), ("ui", None), False),
        (("ui", "ann"), ("ann", None), False),
        (("ann", None), ("ui", "ann"), False),
        (("ui", "ann"), ("other", "ann"), False),
        (("ui", "ann"), ("bob", None), True),
    ],
)
def test_two_people_are_two_principals_or_two_persons_spoken_for(decider, approver, two):
    assert differ(Identity(*decider), Identity(*approver)) is two
