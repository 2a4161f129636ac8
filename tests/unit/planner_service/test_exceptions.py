"""What a plan says will be late, and that a net change keeps what it took over."""

import pytest

from tests.unit.planner_service.upstream import week


def test_the_most_money_at_risk_comes_first_with_its_cause_and_first_period(area):
    area.supply("A", "B")
    area.ok("PUT", "/supply/planning-policies", json={"item": "B", "shortage_cost": "60.00"})
    area.forecasts("A", "B")
    area.plan()
    found = area.ok("GET", "/plans/latest/exceptions")["items"]
    assert [(one["item"], one["cause"]) for one in found] == [("B", "lead_time"), ("A", "lead_time")]
    for one in found:
        lines = area.ok("GET", f"/plans/latest/lines?item={one['item']}")["items"]
        assert one["period"] == next(line["period"] for line in lines if line["stockout_probability"] > 0.15)
        assert one["period"] == week(0).isoformat()
        lines_cost = sum(float(line["shortage_cost"]) for line in lines)
        assert 0 < float(one["value_at_risk"]) <= lines_cost + 0.005 * (len(lines) + 1)  # each is rounded to a cent
        assert one["expected_shortage"] <= sum(line["shortage"] for line in lines) + 1e-9
    page = area.ok("GET", "/plans/latest/exceptions?limit=1")
    assert page["items"] == found[:1]
    assert area.ok("GET", f"/plans/latest/exceptions?cursor={page['next_cursor']}")["items"] == found[1:]


def test_a_net_change_tells_the_exceptions_that_it_took_over(area):
    area.supply("A", "B")
    area.forecasts("A", "B")
    area.plan()
    before = area.ok("GET", "/plans/latest/exceptions")["items"]
    stock = {"item": "A", "location": "L", "as_of": week(0).isoformat(), "on_hand": 500}
    area.ok("POST", "/inventory", json=[stock])
    run = area.plan(net_change=True)
    assert run["taken_over"] == 1
    after = area.ok("GET", f"/plans/{run['id']}/exceptions")["items"]
    assert {one["item"] for one in before} == {"A", "B"}
    assert after == [one for one in before if one["item"] == "B"]


@pytest.mark.parametrize("path", ["/plans/latest/exceptions", "/plans/latest/pegging?item=A&location=L"])
def test_without_a_plan_there_is_nothing_to_tell(area, path):
    assert area("GET", path).status_code == 404
