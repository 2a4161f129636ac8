"""Limits on stock, on what suppliers and budgets give, and on how long a unit can be used; carbon and margin."""

from decimal import Decimal

import pytest

from tests.unit.planner_service.test_network import rules, stock
from tests.unit.planner_service.test_network_plans import cost, forecast, policy, resource, series
from tests.unit.planner_service.test_plan_run import recommendations
from tests.unit.planner_service.upstream import arrow, items, week


def described(area, **told):
    area.upstream.answers["items"] = (200, arrow(items(**told)))


def test_orders_leave_no_more_in_stock_than_there_may_be(area):
    """An order costs 25 and holding 0.50: one for four weeks, but at most 10 may be left at the end of one."""
    stock(area, "A", 0)
    rules(area, {"item": "A", "lead_time": 0, "order_cost": "25.00"})
    policy(area, holding_cost="0.50")
    forecast(area, {("A", "L"): 10.0})
    area.plan()
    assert series(area, "A", "planned_releases") == pytest.approx([40, 0, 0, 0])
    policy(area, holding_cost="0.50", max_stock=10)
    plan = area.plan()
    assert plan["method"]["name"] == "network"
    assert series(area, "A", "planned_releases") == pytest.approx([20, 0, 20, 0])
    assert max(series(area, "A", "available")) == pytest.approx(10)


def test_a_limit_that_does_not_bind_leaves_an_item_location_by_itself(area):
    stock(area, "A", 0)
    rules(area, {"item": "A", "lead_time": 0})
    policy(area, max_stock=500)
    forecast(area, {("A", "L"): 10.0})
    assert area.plan()["method"]["name"] == "dynamic_program"


def test_two_items_share_what_a_budget_gives(area):
    """60 a week of money: ten of A at 4 and ten of B at 4 would take 80; who is short costs more gets all it wants."""
    for item in "AB":
        stock(area, item, 0)
        rules(area, {"item": item, "lead_time": 0, "resource": "budget", "load_per_unit": 4.0})
    resource(area, "budget", 60)
    policy(area, shortage_cost="10.00")
    policy(area, item="B", shortage_cost="90.00")
    forecast(area, {("A", "L"): 10.0, ("B", "L"): 10.0})
    plan = area.plan()
    told = area.ok("GET", f"/plans/{plan['id']}/resources")["items"]
    assert [one["load"] for one in told] == pytest.approx([60] * 4)
    assert series(area, "B", "planned_releases") == pytest.approx([10] * 4)
    assert series(area, "A", "planned_releases") == pytest.approx([5] * 4)


def test_a_rule_that_takes_from_nowhere_is_to_be_mended(area):
    stock(area, "A", 0)
    rules(area, {"item": "A", "resource": "dock", "load_per_unit": 1.0})
    policy(area)
    forecast(area, {("A", "L"): 10.0})
    area.plan()
    [fix] = recommendations(area)
    assert [fault["code"] for fault in fix["faults"]] == ["unknown-resource"]
    resource(area, "dock", 0)
    area.plan()
    assert recommendations(area, "status=proposed")[0]["faults"][0]["code"] == "no-capacity"


def test_what_expires_in_two_weeks_is_ordered_for_two_weeks(area):
    """14 days are two periods: one order for four weeks would throw 20 away."""
    stock(area, "A", 0)
    rules(area, {"item": "A", "lead_time": 0, "order_cost": "100.00"})
    policy(area, holding_cost="0.50")
    forecast(area, {("A", "L"): 10.0})
    area.plan()
    assert series(area, "A", "planned_releases") == pytest.approx([40, 0, 0, 0])
    described(area, A={"shelf_life_days": 15})
    plan = area.plan()
    assert series(area, "A", "planned_releases") == pytest.approx([20, 0, 20, 0])
    assert cost(plan, "waste") == 0


def test_what_cannot_be_used_in_time_is_thrown_away_and_to_be_parted_with_before(area):
    """50 on hand that keep for two weeks, counted from now, and 10 a week: 30 are left when they expire."""
    stock(area, "A", 50)
    rules(area, {"item": "A", "lead_time": 0, "unit_cost": "4.00"})
    policy(area)
    forecast(area, {("A", "L"): 10.0})
    described(area, A={"shelf_life_days": 14})
    plan = area.plan()
    assert cost(plan, "waste") == 120
    assert float(plan["kpis"]["nothing"]["cost"]["waste"]["mean"]) == 120
    assert series(area, "A", "available")[1] == pytest.approx(0)
    found = {one["type"]: one for one in recommendations(area)}
    assert found["dispose"]["disposal"]["quantity"] == 30
    assert found["dispose"]["disposal"]["worth_keeping_periods"] == 2


def test_margin_and_carbon_are_of_what_is_known(area):
    """Four weeks of 10 at 9 less 4 each, all served; B has no price. 10 of A a week at 1.5 kg, with 10 in stock."""
    for item in "AB":
        stock(area, item, 10)
    rules(area, {"item": "A", "lead_time": 0, "carbon_per_unit": 1.5}, {"item": "B", "lead_time": 0})
    policy(area)
    forecast(area, {("A", "L"): 10.0, ("B", "L"): 10.0})
    described(area, A={"unit_price": 9.0}, B={})
    area.plan()
    found = area.ok("GET", "/kpis")
    assert found["gross_margin"] == {
        "revenue": "360.00",
        "cost_of_sales": "160.00",
        "margin": "200.00",
        "share": pytest.approx(200 / 360, abs=1e-3),
        "item_locations": 1,
    }
    assert found["carbon"] == {"kg": 45.0, "item_locations": 1}
    assert Decimal(found["inventory"]) == 80
    described(area, A={}, B={})
    rules(area, {"item": "A", "lead_time": 0})
    area.plan()
    found = area.ok("GET", "/kpis")
    assert (found["gross_margin"], found["carbon"]) == (None, None)


def test_carbon_of_several_sources_is_of_what_each_brings(area):
    """Five a week from S at 2 kg, as it has no more, the rest from T at 3 kg."""
    stock(area, "A", 0)
    near = {"item": "A", "lead_time": 0, "resource": "S's lorry", "load_per_unit": 1.0, "carbon_per_unit": 2.0}
    rules(area, near, {"item": "A", "lead_time": 0, "source": "T", "unit_cost": "5.00", "carbon_per_unit": 3.0})
    resource(area, "S's lorry", 5)
    policy(area)
    forecast(area, {("A", "L"): 10.0})
    plan = area.plan()
    assert plan["as_of"] == week(0).isoformat()
    assert area.ok("GET", "/kpis")["carbon"] == {"kg": 4 * (5 * 2.0 + 5 * 3.0), "item_locations": 1}
