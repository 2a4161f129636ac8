"""What a plan of a network recommends, from plan to plan and against a base."""

from decimal import Decimal

from tests.unit.planner_service.test_network import component, make, rules, stock
from tests.unit.planner_service.test_network_plans import cost, forecast, hours, policy, resource, sailco  # noqa: F401  fixtures
from tests.unit.planner_service.test_plan_run import recommendations
from tests.unit.planner_service.test_recommendations import decide
from tests.unit.planner_service.test_reference import put as change
from tests.unit.planner_service.test_scenarios import put
from tests.unit.planner_service.upstream import week


def test_a_plan_tells_overtime_among_its_recommendations_and_not_among_its_orders(sailco):  # noqa: F811
    plan = sailco.plan()
    told = sailco.ok("GET", f"/plans/{plan['id']}/recommendations")["items"]
    assert sorted(one["type"] for one in told) == ["add_capacity", "produce"]
    assert (plan["counts"]["orders"], plan["counts"]["data_fixes"]) == (1, 0)
    put(sailco, "longer", {"kind": "demand", "item": "boat", "scale": 1.1})
    supposed = sailco.plan(scenario="longer")
    told = sailco.ok("GET", f"/plans/{supposed['id']}/recommendations")["items"]
    assert sorted(one["type"] for one in told) == ["add_capacity", "produce"]
    assert supposed["counts"]["orders"] == 1


def test_overtime_is_followed_from_plan_to_plan_by_its_resource(sailco):  # noqa: F811
    """A second yard for canoes is as short of hours: each recommendation has its own notes and its own successor."""
    stock(sailco, "canoe", 0)
    make(sailco, "canoe", lead_time=0, unit_cost="40.00")
    sailco.ok("PUT", "/supply/process-loads", json={"process": "make canoe", "resource": "shed", "hours_per_unit": 1})
    resource(sailco, "shed", 5, overtime_hours=100, overtime_cost="5.00")
    forecast(sailco, {("boat", "L"): [40.0, 60.0, 75.0, 25.0], ("canoe", "L"): 10.0})
    sailco.plan()
    old = {one["resource"]: one for one in recommendations(sailco, "type=add_capacity")}
    assert old.keys() == {"yard", "shed"}
    for name, one in old.items():
        decide(sailco, one, {"action": "annotate", "note": f"ask the {name}"}, version=None)
    plan = sailco.plan()["id"]
    new = {one["resource"]: one for one in recommendations(sailco, f"type=add_capacity&plan={plan}")}
    for name, one in new.items():
        shown = sailco.ok("GET", f"/recommendations/{one['id']}")
        assert [note["note"] for note in shown["carried_over"]] == [f"ask the {name}"]
        refused = decide(sailco, old[name], {"action": "accept"}, version=2)
        assert refused.status_code == 409
        assert one["id"] in refused.json()["detail"]


def test_overtime_needs_no_approval_and_has_nothing_to_override(sailco):  # noqa: F811
    change(sailco, "/approval-rules", {"order_value_above": "0.00"})
    sailco.plan()
    [proposed] = recommendations(sailco, "type=add_capacity")
    refused = decide(sailco, proposed, {"action": "override", "quantity": 5, "reason_code": "BUDGET_CASH"})
    assert refused.status_code == 422
    assert decide(sailco, proposed, {"action": "accept"}).json()["after"]["status"] == "accepted"


def test_the_comparison_tells_orders_from_two_sources_apart(area):
    """10 a week from S, and 10 more from T that is dearer; without S all comes from T."""
    stock(area, "A", 0)
    rules(area, {"item": "A", "lead_time": 0, "max_quantity": 10})
    rules(area, {"item": "A", "lead_time": 0, "source": "T", "unit_cost": "5.00", "priority": 2, "max_quantity": 30})
    policy(area)
    forecast(area, {("A", "L"): 20.0})
    area.plan()
    put(area, "out", {"kind": "supplier_outage", "source": "S", "from": week(0).isoformat(), "to": week(0).isoformat()})
    plan = area.plan(scenario="out")
    assert plan["status"] == "succeeded", plan["error"]
    [found] = area.ok("GET", "/scenarios/compare?ids=out")["scenarios"]
    moved = {one["source"]: one["quantity"] for one in found["changes"]["first"]}
    assert moved == {"S": [10, None], "T": [10, 20]}
    assert [found["changes"][name] for name in ("added", "dropped", "changed")] == [0, 1, 1]
    # ten more from T at one more each: purchase is no part of what is compared
    assert found["difference"]["mean"] == "0.00"
    assert found["outdated"] == []


def compared(area, *deltas):
    area.ok("PUT", "/scenarios/s", json={"deltas": list(deltas)})
    plan = area.plan(scenario="s")
    [found] = area.ok("GET", "/scenarios/compare?ids=s")["scenarios"]
    return plan, found


def test_what_hours_are_worth_is_told_against_a_base_that_is_planned_together(sailco):  # noqa: F811
    """Sailco with 50 boats in regular time: in place of 45 in overtime and 10 held (G11) 15 and 30, one quarter each.

    10 of the first quarter's are held for one quarter, 10 for two: 600 and 750 in place of 200 and 2,250.
    """
    base = sailco.plan()
    more = {"kind": "capacity", "resource": "yard", "hours": 50}
    demand = {"kind": "demand", "item": "boat", "scale": 0.5}
    plan, found = compared(sailco, more, demand)
    assert (plan["base"], plan["taken_over"], found["outdated"]) == (base["id"], 0, [])
    alone = {tuple(one["deltas"]): Decimal(one["cost"]) for one in found["values"]}
    assert alone[(0,)] == -1100
    whole = Decimal(found["cost"]["mean"]) - Decimal(base["kpis"]["plan"]["cost"]["relevant"]["mean"])
    assert Decimal(found["interaction"]) == whole - sum(alone.values())


def test_hours_change_in_the_periods_that_are_named(sailco):  # noqa: F811
    sailco.plan()
    first = {"kind": "capacity", "scale": 0, "to": week(0).isoformat()}
    plan, _ = compared(sailco, first, first | {"overtime": True, "hours": 3, "scale": None})
    told = sailco.ok("GET", f"/plans/{plan['id']}/resources")["items"]
    assert [one["available"] for one in told][:2] == [0.0, 40.0]
    assert [one["overtime_available"] for one in told][:2] == [3.0, 100.0]


def test_an_order_of_a_component_that_nothing_will_use_is_called_off(area):
    """Ten A a week of two B each take 20 B a week: 5,000 outlast the plan, and the 40 that are due are in the way."""
    stock(area, "A", 0)
    stock(area, "B", 5000)
    make(area, "A", lead_time=0, unit_cost="1.00")
    component(area, "make A", "B")
    rules(area, {"item": "B", "lead_time": 1})
    policy(area, item="A", holding_cost="5.00")
    policy(area, item="B")
    due = {"reference": "PO-1", "item": "B", "location": "L", "due": week(1).isoformat(), "quantity": 40}
    row = due | {"kind": "purchase", "status": "released", "cancellable": True}
    area.ok("POST", "/scheduled-receipts", json=row)
    forecast(area, {("A", "L"): 10.0, ("B", "L"): 0.0})
    method = area.plan()["method"]
    assert [part["item_locations"] for part in method["components"]] == [2]
    [found] = recommendations(area, "type=cancel")
    change = found["change"]
    assert (found["item"], change["reference"], change["new_quantity"], change["new_due"]) == ("B", "PO-1", 0.0, None)
    assert Decimal(change["holding_saved"]) == Decimal(change["net_benefit"]) > 0
    assert change["shortage_saved"] == "0.00"
