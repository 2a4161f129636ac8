"""What became of decisions: replayed on actual demand, beside the recommendation and no order."""

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from services.planner.outcomes import classes, evaluation
from services.planner.outcomes.service import MANY, bounds
from tests.unit.planner_service.test_automation import orders
from tests.unit.planner_service.test_executions import tell
from tests.unit.planner_service.test_recommendations import decide
from tests.unit.planner_service.test_reference import put
from tests.unit.planner_service.upstream import arrow, demand, week


def actual(area, **quantities):
    """Demand of ten a week until the first plan, then the numbers told: a negative one was out of stock."""
    past = demand({(item, "L"): 10.0 for item in quantities}).to_pylist()
    rows = [
        {"item": item, "location": "L", "period": week(step), "quantity": abs(number), "in_stock": number >= 0}
        for item, numbers in quantities.items()
        for step, number in enumerate(numbers)
    ]
    table = pa.Table.from_pylist(past + rows, demand({("A", "L"): 1.0}).schema)
    area.upstream.answers["demand"] = (200, arrow(table))


@pytest.fixture
def three(area):
    """10 on hand of each, received two weeks later: the window is the third week."""
    area.supply("A", "B", "C")
    area.ok("PUT", "/supply/planning-policies", json={"shortage_cost": "6.00", "holding_cost": "0.50"})
    area.forecasts("A", "B", "C")
    area.plan()
    return orders(area)


def told(area):
    return {one["item"]: one for one in area.ok("GET", "/outcomes")["items"]}


def test_decisions_are_held_against_what_was_asked_for(area, three):
    """All stock is gone by the third week, in which 12 are asked for.

    A: accepted, though not executed yet. B: 5 more than recommended, of which the ERP received 20 in the third week.
    C: rejected. 6 for a lost unit, 0.50 for one left over, 1 for an order.
    """
    recommended = three["A"]["order"]["quantity"]
    decide(area, three["A"], {"action": "accept"})
    decide(area, three["B"], {"action": "override", "quantity": 25, "reason_code": "PROMOTION", "note": "flyer"})
    tell(area, three["B"], "received", received_quantity=20, received_on=week(2).isoformat())
    decide(area, three["C"], {"action": "reject", "reason_code": "MODEL_DISTRUST"})
    actual(area, A=[10, 10, 12], B=[10, 10, 12], C=[10, 10, 12])
    area.plan(as_of=week(2).isoformat())
    assert told(area) == {}
    area.plan(as_of=week(3).isoformat())
    found = told(area)

    def left(quantity):
        return str(Decimal("1.00") + Decimal("0.50") * Decimal(quantity - 12))

    assert set(found) == {"A", "B", "C"}
    assert {(one["first"], one["last"], one["censored"]) for one in found.values()} == {
        (week(2).isoformat(), week(2).isoformat(), False)
    }
    assert Decimal(found["A"]["executed"]["cost"]) == Decimal(left(recommended))
    assert found["A"]["value_added"] == "0.00"
    assert Decimal(found["B"]["executed"]["cost"]) == Decimal(left(20))
    assert Decimal(found["B"]["value_added"]) == Decimal("0.50") * (Decimal(recommended) - 20)
    assert found["C"]["executed"] == found["C"]["nothing"] == {"cost": "72.00", "short": 12.0, "stock": 0.0}
    assert Decimal(found["C"]["value_added"]) == Decimal(left(recommended)) - 72
    assert (found["B"]["reason_code"], found["C"]["action"]) == ("PROMOTION", "reject")
    by = {one["group"]: one for one in area.ok("GET", "/decisions/outcomes?by=reason")["items"]}
    assert set(by) == {None, "PROMOTION", "MODEL_DISTRUST"}
    assert (by["MODEL_DISTRUST"]["n"], by["MODEL_DISTRUST"]["value_added"]) == (1, found["C"]["value_added"])
    assert (by["MODEL_DISTRUST"]["low"], by["MODEL_DISTRUST"]["high"]) == (None, None)
    [people] = area.ok("GET", "/decisions/outcomes")["items"]
    assert people["n"] == 3
    area.plan(as_of=week(3).isoformat())
    assert told(area) == found


def test_what_could_not_be_sold_is_taken_to_be_what_was_planned_for(area, three):
    decide(area, three["A"], {"action": "reject", "reason_code": "BUDGET_CASH"})
    actual(area, A=[10, 10, -3], B=[10], C=[10])
    area.plan(as_of=week(3).isoformat())
    [found] = told(area).values()
    assert found["censored"]
    assert (found["demand"], found["executed"]["short"]) == (pytest.approx(10), pytest.approx(10))


def test_what_a_policy_accepted_is_told_by_its_name(area):
    area.supply("A")
    area.forecasts("A")
    put(area, "/auto-accept-policies/small", {"action": "auto", "sample": 0})
    area.plan()
    actual(area, A=[10, 10, 12])
    area.plan(as_of=week(3).isoformat())
    groups = area.ok("GET", "/decisions/outcomes?by=policy")["items"]
    assert [(one["group"], one["n"], one["value_added"]) for one in groups] == [("small", 1, "0.00")]
    assert Decimal(groups[0]["advice"]) > 0


def test_decisions_are_told_by_item_class(area):
    """Of 80 a week, A asks for the worth of 86 of 100, B for 10 and C for 4; all three are received two weeks later."""
    for item, cost in (("A", "8.60"), ("B", "1.00"), ("C", "0.40")):
        area.supply(item, unit_cost=cost)
    area.ok("PUT", "/supply/planning-policies", json={"shortage_cost": "6.00", "holding_cost": "0.50"})
    area.forecasts("A", "B", "C")
    area.plan()
    found = orders(area)
    decide(area, found["A"], {"action": "accept"})
    decide(area, found["B"], {"action": "reject", "reason_code": "BUDGET_CASH"})
    decide(area, found["C"], {"action": "reject", "reason_code": "BUDGET_CASH"})
    actual(area, A=[10, 10, 12], B=[10, 10, 12], C=[10, 10, 13])
    area.plan(as_of=week(3).isoformat())
    came = told(area)
    assert {item: one["item_class"] for item, one in came.items()} == {"A": "A", "B": "B", "C": "C"}
    groups = {one["group"]: one for one in area.ok("GET", "/decisions/outcomes?by=class")["items"]}
    left = {item: Decimal("1.00") + Decimal("0.50") * Decimal(found[item]["order"]["quantity"] - asked)
            for item, asked in (("B", 12), ("C", 13))}  # fmt: skip
    assert {group: (one["n"], Decimal(one["value_added"])) for group, one in groups.items()} == {
        "A": (1, 0),
        "B": (1, left["B"] - 12 * 6),
        "C": (1, left["C"] - 13 * 6),
    }


def test_the_class_is_that_of_the_plan_that_recommended_it(area):
    """B becomes dear after the recommendation; a net change that takes A's row over leaves both classes as they are."""
    for item, cost in (("A", "9.00"), ("B", "0.50")):
        area.supply(item, unit_cost=cost)
    area.ok("PUT", "/supply/planning-policies", json={"shortage_cost": "6.00", "holding_cost": "0.50"})
    area.forecasts("A", "B")
    area.plan()
    area.ok("POST", "/inventory", json={"item": "B", "location": "L", "as_of": week(0).isoformat(), "on_hand": 11})
    area.plan(net_change=True)
    found = orders(area, status="proposed")
    assert found["A"]["plan"] != found["B"]["plan"]
    for item in ("A", "B"):
        decide(area, found[item], {"action": "accept"})
    area.supply("B", unit_cost="99.00")
    actual(area, A=[10, 10, 12], B=[10, 10, 12])
    area.plan(as_of=week(3).isoformat())
    assert {item: one["item_class"] for item, one in told(area).items()} == {"A": "A", "B": "B"}


@pytest.mark.parametrize(
    ("value", "before", "item_class"),
    [(90, 0, "A"), (2, 79.9, "A"), (10, 80, "B"), (9, 94.9, "B"), (5, 95, "C"), (0, 100, "C"), (0, 0, "C")],
)
def test_the_one_that_crosses_a_cut_belongs_before_it(value, before, item_class):
    assert classes.abc(value, before, 100) == item_class


def test_orders_whose_time_is_not_over_hold_up_no_others(area, monkeypatch):
    """One outcome a plan run: A, which comes first by its id, is reviewed each fourth week and counts until then."""
    monkeypatch.setattr(evaluation, "MOST", 1)
    area.supply("A", "B")
    for item, review in (("A", 4), ("B", 1)):
        policy = {"shortage_cost": "6.00", "holding_cost": "0.50", "item": item, "review_period": review}
        area.ok("PUT", "/supply/planning-policies", json=policy)
    area.forecasts("A", "B")
    area.plan()
    while (found := orders(area, status="proposed"))["A"]["id"] > found["B"][
        "id"
    ]:  # those of one millisecond come in any order
        area.plan()
    for item in ("A", "B"):
        decide(area, found[item], {"action": "accept"})
    actual(area, A=[10, 10, 12], B=[10, 10, 12])
    area.plan(as_of=week(3).isoformat())
    assert list(told(area)) == ["B"]


def test_bounds_hold_the_mean_and_are_always_the_same() -> None:
    values = np.array([1.0, 2.0, 3.0, 4.0, 10.0])
    low, high = bounds(values)
    assert (low, high) == bounds(values)
    assert low is not None
    assert high is not None
    assert 1 < low < 4 < high < 10
    assert bounds(values[:4]) == (None, None)
    many = np.random.default_rng(2).gamma(1.0, 100.0, MANY + 1)
    assert bounds(many) == pytest.approx(bounds(many[:-1]), rel=5e-3)
    assert bounds(np.full(6, 2.0)) == (2.0, 2.0)


def test_a_warning_tells_what_such_overrides_were_worth(area, three):
    wish = {"action": "override", "quantity": 90, "reason_code": "PROMOTION", "note": "flyer"}
    first = decide(area, three["B"], wish).json()
    record = next(one for one in first["warnings"] if one["code"] == "upward_override")["track_record"]
    assert record["person"] == {"overrides": 0, "measured": 0, "value_added": None}
    actual(area, A=[10, 10, 12], B=[10, 10, 12], C=[10, 10, 12])
    area.plan(as_of=week(3).isoformat())
    [came] = told(area).values()
    again = orders(area, status="proposed")["A"]
    second = decide(area, again, wish).json()
    record = next(one for one in second["warnings"] if one["code"] == "upward_override")["track_record"]
    assert record["person"] == record["reason_code"]
    assert record["person"] == {"overrides": 1, "measured": 1, "value_added": came["value_added"]}
    assert Decimal(came["value_added"]) < 0
    assert area.ok("POST", "/decisions:verify")["chains"][0]["intact"]


def test_what_people_know_again_and_again_is_to_be_looked_at(area, database):
    """Five times 30 in place of less, and 30 were asked for each time: no unit is lost, or left for long."""
    area.supply("A", "B", "C", "D", "E")
    area.ok("PUT", "/supply/planning-policies", json={"shortage_cost": "6.00", "holding_cost": "0.50"})
    area.forecasts("A", "B", "C", "D", "E")
    area.plan()
    wish = {"action": "override", "quantity": 30, "reason_code": "CUSTOMER_INFO", "note": "they said so"}
    for one in orders(area).values():
        assert one["order"]["quantity"] < 30
        decide(area, one, wish)
    actual(area, **{item: [10, 10, 30] for item in "ABCDE"})
    area.plan(as_of=week(3).isoformat())
    assert area.ok("GET", "/recommendations?type=review_forecast")["items"] == []  # measured in this plan
    area.plan(as_of=week(3).isoformat())
    [found] = area.ok("GET", "/recommendations?type=review_forecast")["items"]
    bias = found["bias"]
    assert (bias["reason_code"], bias["overrides"], found["item"]) == ("CUSTOMER_INFO", 5, None)
    assert bias["mean_change"] > 0
    assert 0 < Decimal(bias["low"]) <= Decimal(bias["value_added"]) <= Decimal(bias["high"])
    assert "5 overrides for the reason CUSTOMER_INFO went up by" in found["text"]
    decide(area, found, {"action": "accept"})
    area.plan(as_of=week(3).isoformat())
    assert [one["id"] for one in area.ok("GET", "/recommendations?type=review_forecast")["items"]] == [found["id"]]
    assert area.ok("POST", "/decisions:verify")["chains"][0]["intact"]


def test_a_simulation_tells_what_automation_would_have_been_worth(area, three):
    """C was rejected, which cost more than the order would have: 72 against what is left of it, and 1 to order."""
    decide(area, three["A"], {"action": "accept"})
    decide(area, three["C"], {"action": "reject", "reason_code": "MODEL_DISTRUST"})
    actual(area, A=[10, 10, 12], B=[10, 10, 12], C=[10, 10, 12])
    area.plan(as_of=week(3).isoformat())
    found = area.ok("POST", "/auto-accept-policies/any:simulate", json={"action": "auto"})
    lost = Decimal(told(area)["C"]["value_added"])
    assert (found["matched"], found["measured"], found["low"], found["high"]) == (2, 2, None, None)
    assert Decimal(found["value"]) == -lost / 2 > 0
