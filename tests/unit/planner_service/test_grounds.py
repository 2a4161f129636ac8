"""On what grounds orders are judged: stored with each recommendation, as policies and their simulations read them."""

import numpy as np
import pyarrow as pa
import pytest

from services.planner.engine.outliers import far_out
from services.planner.plans.quality import suspect
from tests.unit.planner_service.test_automation import POLICY, orders
from tests.unit.planner_service.test_network import rules, stock
from tests.unit.planner_service.test_network_plans import forecast, policy
from tests.unit.planner_service.test_outcomes import actual
from tests.unit.planner_service.test_recommendations import decide
from tests.unit.planner_service.test_reference import approve, put
from tests.unit.planner_service.upstream import arrow, demand, items, values, week


def grounds(area, item="A", **query):
    return orders(area, **query)[item]["grounds"]


def history(area, *rows):
    """Ten a week of A and B, but for the rows told: item, weeks back, quantity, in stock."""
    told = {(item, week(-back)): {"quantity": quantity, "in_stock": known} for item, back, quantity, known in rows}
    usual = demand({("A", "L"): 10.0, ("B", "L"): 10.0})
    changed = [row | told.get((row["item"], row["period"]), {}) for row in usual.to_pylist()]
    area.upstream.answers["demand"] = (200, arrow(pa.Table.from_pylist(changed, usual.schema)))


@pytest.fixture
def two(area):
    area.supply("A", "B")
    area.forecasts("A", "B")
    return area


def wanted(reference, due):
    return {"reference": reference, "item": "A", "location": "L", "due": due.isoformat(), "quantity": 1}


def bad_rule(area):
    rule = {"item": "A", "location": "L", "mode": "transfer", "source": "nowhere", "lead_time": 1, "priority": 2}
    area.ok("PUT", "/supply/sourcing-rules", json=rule | {"unit_cost": "4.00"})


FLAGS = {
    "reserved_exceeds_stock": lambda area: area.ok(
        "POST",
        "/inventory",
        json={"item": "A", "location": "L", "as_of": week(0).isoformat(), "on_hand": 1, "reserved": 2},
    ),
    "overdue_receipts": lambda area: area.ok("POST", "/scheduled-receipts", json=wanted("r", week(-1))),
    "overdue_open_orders": lambda area: area.ok("POST", "/open-orders", json=wanted("o", week(-1))),
    "faulty_rule": bad_rule,
    "out_of_stock": lambda area: history(area, ("A", 2, 4.0, False), ("B", 2, 4.0, True)),
}


@pytest.mark.parametrize("flag", FLAGS)
def test_what_is_doubtful_of_one_item_location_is_told_of_that(two, flag):
    FLAGS[flag](two)
    two.plan()
    assert grounds(two, "A")["data_flags"] == [flag]
    assert grounds(two, "B")["data_flags"] == []


def test_stock_of_long_ago_is_stale(two):
    two.plan(as_of=week(2).isoformat())
    assert {one["grounds"]["data_flags"][0] for one in orders(two).values()} == {"stale_stock"}


def test_a_decided_order_that_is_overdue_is_told_of_the_next_one(two):
    two.plan()
    decide(two, orders(two)["A"], {"action": "override", "quantity": 10, "reason_code": "BUDGET_CASH"})
    two.plan(as_of=week(3).isoformat())
    told = {item: one["grounds"]["data_flags"] for item, one in orders(two, status="proposed").items()}
    assert told == {"A": ["stale_stock", "overdue_orders"], "B": ["stale_stock"]}


def test_a_forecast_from_elsewhere_is_flagged(two):
    two.upstream.forecasts(
        values({("A", "L"): (6.0, 10.0, 14.0)}), demand({("A", "L"): 10.0}), name="theirs", model_version=None
    )
    two.plan()
    assert grounds(two, "A")["data_flags"] == ["external_forecast"]


def test_demand_that_is_far_out_or_has_ended_is_suspect():
    """Quartiles 10 and 14: the outer fences are at -2 and 26."""
    usual = [10.0, 12.0, 14.0, 10.0, 12.0, 14.0, 10.0, 14.0]
    recent = np.array([[*usual, 26.0], [*usual, 26.5], [0.0] * 9, [0.0] * 9, [5.0] * 9])
    assert far_out(recent).tolist() == [False, True, False, False, False]
    expected = np.array([[1.0], [1.0], [1.0], [0.0], [1.0]])
    assert suspect(recent, expected).tolist() == [False, True, True, False, False]
    assert suspect(np.zeros((1, 0)), np.ones((1, 2))).tolist() == [True]


def test_what_can_be_given_back_is_told_by_the_rule_and_automated_alone(area):
    area.supply("A", cancellable=True)
    area.supply("B")
    area.forecasts("A", "B")
    put(area, POLICY, {"action": "auto", "sample": 0, "cancellable": True})
    area.plan()
    assert {item: one["order"]["cancellable"] for item, one in orders(area).items()} == {"A": True, "B": False}
    assert {item: one["route"] for item, one in orders(area).items()} == {"A": "auto", "B": "review"}


@pytest.mark.parametrize(("periods", "inside"), [(None, False), (2, False), (3, True)])
def test_the_frozen_fence_is_that_of_the_approval_rules(two, periods, inside):
    """Orders are received two weeks after the plan begins, in its third period."""
    put(two, "/approval-rules", {"frozen_fence": periods})
    put(two, POLICY, {"action": "dual", "frozen_fence": "inside"})
    two.plan()
    assert grounds(two)["in_frozen_fence"] is inside
    assert orders(two)["A"]["route"] == ("dual" if inside else "review")


def test_what_the_plan_before_recommended_is_told_and_simulated(two):
    two.plan()
    first = orders(two)["A"]["order"]["quantity"]
    assert grounds(two)["quantity_before"] is None
    two.plan()
    assert grounds(two, status="proposed")["quantity_before"] == first
    for item in ("A", "B"):
        decide(two, orders(two, status="proposed")[item], {"action": "accept"})
    wish = {"action": "auto", "sample": 0, "change_at_most": 0, "item": "A"}
    tried = two.ok("POST", f"{POLICY}:simulate", json=wish)
    assert (tried["decided"], tried["matched"], tried["automated"], tried["share"]) == (2, 1, 1, 0.5)


def test_of_two_sources_each_is_compared_with_its_own(area):
    """10 a week from S, and 20 more from T that is dearer."""
    stock(area, "A", 0)
    rules(area, {"item": "A", "lead_time": 0, "max_quantity": 10})
    rules(area, {"item": "A", "lead_time": 0, "source": "T", "unit_cost": "5.00", "priority": 2, "max_quantity": 30})
    policy(area)
    forecast(area, {("A", "L"): 30.0})
    area.plan()
    old = {one["order"]["source"]: one for one in listed(area)}
    for source, one in old.items():
        decide(area, one, {"action": "annotate", "note": f"ask {source}"}, version=None)
    area.plan()
    new = {one["order"]["source"]: one for one in listed(area)}
    assert {source: one["grounds"]["quantity_before"] for source, one in new.items()} == {"S": 10, "T": 20}
    for one in new.values():
        carried = area.ok("GET", f"/recommendations/{one['id']}")["carried_over"]
        assert [note["note"] for note in carried] == [f"ask {source}" for source in old]


def listed(area):
    return area.ok("GET", "/recommendations?status=proposed&sort=created_at")["items"]


def test_the_calibration_of_a_class_is_counted_on_its_outcomes(area):
    """A and B are food. As much of A is asked for as was planned, nothing of B: its stock is far above the interval.

    C is of no class, and what was asked for of it was not seen.
    """
    area.supply("A", "B", "C")
    area.ok("PUT", "/supply/planning-policies", json={"shortage_cost": "6.00", "holding_cost": "0.50"})
    area.upstream.answers["items"] = (200, arrow(items(A={"category": "food"}, B={"category": "food"})))
    area.forecasts("A", "B", "C")
    area.plan()
    none = {"item_class": "food", "measured": 0, "inside": 0, "coverage": None}
    assert grounds(area, "A")["calibration"] == none
    assert grounds(area, "C")["calibration"] == none | {"item_class": None}
    for one in orders(area).values():
        decide(area, one, {"action": "reject", "reason_code": "BUDGET_CASH"})
    actual(area, A=[10, 10, 10], B=[0, 0, 0], C=[10, 10, -1])
    put(area, POLICY, {"action": "auto", "sample": 0, "coverage_at_least": 0.5, "measured_at_least": 2})
    area.plan(as_of=week(3).isoformat())
    found = orders(area, route="review") | orders(area, route="auto")
    told = {item: one["grounds"]["calibration"] for item, one in found.items()}
    assert told["A"] == told["B"] == {"item_class": "food", "measured": 2, "inside": 1, "coverage": 0.5}
    assert told["C"] == none | {"item_class": None}
    assert set(orders(area, status="auto_accepted")) == {"A", "B"}
    tried = area.ok("POST", f"{POLICY}:simulate", json={"action": "auto", "sample": 0, "coverage_at_least": 0.51})
    assert (tried["decided"], tried["matched"]) == (5, 0)


def test_no_policy_accepts_what_needs_an_approver(two):
    put(two, "/approval-rules", {"order_value_above": "1.00"})
    put(two, POLICY, {"action": "auto", "sample": 0})
    two.plan()
    order = orders(two)["A"]
    assert (order["route"], order["status"], order["policy"]["name"]) == ("review", "proposed", "small")
    assert two.ok("GET", POLICY)["automated"] == 0
    assert decide(two, order, {"action": "accept"}).json()["after"]["status"] == "awaiting_approval"
    assert approve(two, order).json()["after"]["status"] == "accepted"


def test_what_was_drawn_for_review_stays_so_in_the_next_plan(two):
    put(two, POLICY, {"action": "auto", "sample": 1})
    two.plan()
    put(two, POLICY, {"action": "auto", "sample": 0}, version=1)
    two.plan()
    order = orders(two, status="proposed")["A"]
    assert (order["route"], order["policy"]["sampled"], order["policy"]["sample"]) == ("review", True, 1.0)
    assert order["policy"]["version"] == 2
