"""Plans of what has changed: the numbers of a plan of all, with little computed and the rest left as it stands."""

import datetime

import pytest

from services.planner.engine import plan as engine
from tests.unit.planner_service.test_network import RULE
from tests.unit.planner_service.test_network import order as customers_order
from tests.unit.planner_service.test_orders import receipt
from tests.unit.planner_service.test_plan_run import lines, recommendations
from tests.unit.planner_service.test_recommendations import decide
from tests.unit.planner_service.upstream import ARROW, week

ITEMS = ("A", "B", "C", "D", "E", "F")
NUMBERS = ("input_digest", "output_digest", "kpis", "counts")


@pytest.fixture
def planned(area):
    area.supply(*ITEMS)
    area.forecasts(*ITEMS)
    return area.plan()


@pytest.fixture
def computed(monkeypatch):
    """How many rows each call of the engine planned."""
    sizes = []
    original = engine.plan

    def plan(supply, demand, **more):
        sizes.append(len(supply.on_hand))
        return original(supply, demand, **more)

    monkeypatch.setattr(engine, "plan", plan)
    return sizes


def told(area, item, on_hand):
    area.ok(
        "POST", "/inventory", json={"item": item, "location": "L", "as_of": week(0).isoformat(), "on_hand": on_hand}
    )


def exported(area, plan):
    return area("GET", f"/plans/{plan['id']}/lines", headers={"accept": ARROW}).content


def proposed(area, plan):
    """What a plan recommends, but for ids and what the plan before it recommended: that is not the same plan."""
    found = area.ok("GET", f"/plans/{plan['id']}/recommendations")["items"]
    bare = [{name: value for name, value in one.items() if name not in {"id", "plan"}} for one in found]
    bare = [one | {"grounds": one["grounds"] and one["grounds"] | {"quantity_before": None}} for one in bare]
    return sorted(bare, key=lambda one: (one["item"], one["location"]))


def events(area):
    """Stock, orders, a rule taken away, data mended, a decision, a rule at fault: each concerns an item-location."""
    before = week(0) - datetime.timedelta(days=3)
    told(area, "A", 33)
    yield {"A"}
    area.ok("POST", "/scheduled-receipts", json=receipt({"item": "B", "id": None}))
    yield {"B"}
    area.ok("DELETE", "/supply/sourcing-rules?item=C&location=L")
    yield {"C"}
    area.supply("C")
    yield {"C"}
    [order] = recommendations(area, "status=proposed&item=D")
    decide(area, order, {"action": "accept"})
    yield {"D"}
    area.ok("POST", "/open-orders", json=[customers_order("1", 90, week(1), "E"), customers_order("2", 4, before, "E")])
    yield {"E"}
    area.ok("POST", "/open-orders", json=customers_order("1", 95, week(1), "E"))
    yield {"E"}
    area.ok("POST", "/open-orders", json=customers_order("3", 0.01, week(2), "F"))
    yield {"F"}
    faulty = RULE | {"item": "F", "mode": "transfer", "source": "elsewhere", "priority": 9}
    area.ok("PUT", "/supply/sourcing-rules", json=[faulty])
    yield {"F"}


def test_after_each_event_it_is_the_plan_of_all(area, planned, computed):
    for touched in events(area):
        before = {one["id"]: one["item"] for one in recommendations(area, "status=proposed")}
        computed.clear()
        partial = area.plan(net_change=True)
        unplanned = len(ITEMS) - partial["counts"]["planned"]
        assert unplanned == (touched == {"C"} and not area.ok("GET", "/supply/sourcing-rules?item=C")["items"])
        assert partial["taken_over"] == len(ITEMS) - max(1, unplanned)
        assert sum(computed) <= 2 * len(touched)
        after = {one["id"] for one in recommendations(area, "status=proposed")}
        assert {identifier for identifier, item in before.items() if item not in touched} <= after
        shown, rows = proposed(area, partial), exported(area, partial)
        assert area.ok("POST", "/decisions:verify")["chains"][0]["intact"]
        whole = area.plan()
        assert {name: partial[name] for name in NUMBERS} == {name: whole[name] for name in NUMBERS}
        assert (whole["base"], whole["taken_over"]) == (None, 0)
        assert rows == exported(area, whole)
        assert shown == proposed(area, whole)
    assert area.ok("POST", "/decisions:verify")["chains"][0]["intact"]


def test_net_changes_follow_upon_each_other(area, planned, computed):
    told(area, "A", 33)
    first = area.plan(net_change=True)
    told(area, "B", 44)
    second = area.plan(net_change=True)
    assert (second["base"], second["taken_over"]) == (first["id"], 5)
    assert computed == [1, 1, 1, 1]
    assert lines(area, "A")[0]["available"] == pytest.approx(23, abs=4)
    shown, rows = proposed(area, second), exported(area, second)
    whole = area.plan()
    assert {name: second[name] for name in NUMBERS} == {name: whole[name] for name in NUMBERS}
    assert (shown, rows) == (proposed(area, whole), exported(area, whole))


def test_what_has_not_changed_stays_open_or_rejected(area, planned):
    first, second = (recommendations(area, f"item={item}")[0] for item in "AB")
    decide(area, first, {"action": "reject", "reason_code": "BUDGET_CASH"})
    told(area, "C", 33)
    area.plan(net_change=True)
    status = {one["item"]: one["status"] for one in recommendations(area, f"plan={planned['id']}")}
    assert status == {
        "A": "rejected",
        "B": "proposed",
        "C": "superseded",
        "D": "proposed",
        "E": "proposed",
        "F": "proposed",
    }
    assert decide(area, second, {"action": "accept"}).status_code == 201
    assert [order["item"] for order in area.ok("GET", "/plans/latest/orders")["items"]] == ["B"]
    entry = area.ok("GET", "/decisions")["items"][-2]
    assert (entry["action"], len(entry["body"]["superseded"])) == ("plan", 1)


def test_a_net_change_without_a_plan_before_it_is_a_plan_of_all(area):
    area.supply("A")
    area.forecasts("A")
    plan = area.plan(net_change=True)
    assert (plan["base"], plan["taken_over"], plan["counts"]["orders"]) == (None, 0, 1)


def test_another_horizon_takes_nothing_over(area, planned):
    plan = area.plan(net_change=True, horizon=6)
    assert (plan["base"], plan["taken_over"]) == (None, 0)
    assert {one["plan"] for one in recommendations(area, "status=proposed")} == {plan["id"]}


def test_more_changes_than_not_are_planned_as_a_whole(area, planned, computed):
    for item in "ABCDE":
        told(area, item, 20)
    plan = area.plan(net_change=True)
    assert (plan["taken_over"], computed) == (1, [6])
    shown = proposed(area, plan)
    assert shown == proposed(area, area.plan())


def test_other_code_takes_nothing_over(area, planned, monkeypatch):
    monkeypatch.setattr("services.planner.plans.digest.code_version", lambda: "another")
    assert area.plan(net_change=True)["taken_over"] == 0
