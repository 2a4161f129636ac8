"""KPIs of an area, held against the plan that they come from."""

import datetime

import pytest

from tests.unit.planner_service.test_net_change import told
from tests.unit.planner_service.test_plan_run import lines
from tests.unit.planner_service.test_scenarios import what_if
from tests.unit.planner_service.upstream import FORECAST, demand, values, week


def test_before_the_first_plan_there_are_none(area):
    assert area("GET", "/kpis").json()["type"] == "/docs/errors#no-plan"


def test_kpis_are_those_of_the_newest_plan_of_the_base(area):
    area.supply("A", "B", "C")
    series = {("A", "L"): (6.0, 10.0, 14.0), ("B", "L"): (6.0, 10.0, 14.0), ("C", "L"): (0.0, 0.0, 0.0)}
    accuracy = {"overall": {"wmape": 0.2}}
    area.upstream.forecasts(values(series), demand({("A", "L"): 10.0, ("B", "L"): 5.0}), accuracy=accuracy)
    plan = area.plan()
    what_if(area, {"kind": "demand", "scale": 3})
    found = area.ok("GET", "/kpis")
    assert (found["plan"], found["as_of"], found["item_locations"]) == (plan["id"], plan["as_of"], 3)
    assert (found["inventory"], found["obsolete"], found["excess"]) == ("120.00", "40.00", "0.00")
    average = float(plan["kpis"]["plan"]["stock_value"]["mean"])
    assert found["average_inventory"] == plan["kpis"]["plan"]["stock_value"]["mean"]
    assert found["turns"] == {
        "backward": pytest.approx(52 * 60 / 120),
        "forward": pytest.approx(52 * 80 / average, abs=2e-3),
    }
    assert found["days_of_supply"]["backward"] == pytest.approx(120 * 7 / 60)
    assert found["days_of_supply"]["forward"] == pytest.approx(7 * (1 + 1 + 8) / 3, abs=1e-3)
    assert found["fill_rate"] == plan["kpis"]["plan"]["fill_rate"]
    assert found["forecast_accuracy"] == accuracy
    assert found["plan_instability"] is None


def test_instability_is_what_releases_differ_by(area):
    area.supply("A", "B")
    area.forecasts("A", "B")
    area.plan()
    before = {item: [line["planned_releases"] for line in lines(area, item)] for item in "AB"}
    area.plan()
    assert area.ok("GET", "/kpis")["plan_instability"] == 0.0
    told(area, "A", 60)
    area.plan(net_change=True)
    after = {item: [line["planned_releases"] for line in lines(area, item)] for item in "AB"}
    moved = sum(abs(new - old) for item in "AB" for new, old in zip(after[item][:4], before[item][:4], strict=True))
    whole = sum(sum(before[item][:4]) for item in "AB")
    assert moved > 0
    assert area.ok("GET", "/kpis")["plan_instability"] == pytest.approx(moved / whole, abs=1e-3)


def test_how_customers_were_served_counts_the_lines_of_the_past_periods(area):
    """On time and whole; a day late; whole but asked for later; in part; before the window; not yet due."""
    area.supply("A")
    area.forecasts("A")
    line = {"item": "A", "location": "L", "quantity": 4, "shipped_quantity": 4}
    rows = [
        (week(-2), week(-3), week(-2)),
        (week(-2), week(-3), week(-2) + datetime.timedelta(days=1)),
        (week(-1), week(-2), week(-2) + datetime.timedelta(days=3)),
        (week(-14), week(-15), week(-14)),
        (week(1), None, None),
    ]
    orders = [
        line
        | {"reference": f"SO-{number}", "due": due.isoformat()}
        | ({"ordered": ordered.isoformat()} if ordered else {})
        | ({"shipped": shipped.isoformat()} if shipped else {"shipped_quantity": 0})
        for number, (due, ordered, shipped) in enumerate(rows)
    ]
    orders.append(line | {"reference": "part", "due": week(-1).isoformat(), "shipped_quantity": 3})
    orders[-1]["shipped"] = week(-1).isoformat()
    area.ok("POST", "/open-orders", json=orders)
    area.plan()
    found = area.ok("GET", "/kpis")
    assert found["otif"] == {"share": 0.5, "lines": 4}
    assert found["order_fulfilment_cycle_time"] == {"days": 6.0, "lines": 3}
    assert found["capacity_utilisation"] is None


def test_a_plan_of_nothing_has_no_kpis(area):
    area.ok("POST", "/inventory", json={"item": "A", "location": "L", "as_of": "2026-03-01", "on_hand": 1})
    area.forecasts("A")
    area.plan(forecast=str(FORECAST))
    assert area("GET", "/kpis").json()["type"] == "/docs/errors#plan-not-ready"
