"""Textbook networks over the real stack: forecasts whose quantiles equal their mean, so that plans are exact.

One area, four networks that share nothing: Sailco's boats (G11: Winston, Operations Research), tables and their legs, a
shop and its depot, two items on one line.
"""

import pytest

from tests.factories import put, week

STEPS = 4
QUANTILES = (0.025, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.975)
DEMAND = {
    ("boat", "L1"): [40, 60, 75, 25],
    ("table", "L1"): [10, 10, 10, 10],
    ("cloth", "L1"): [10, 10, 10, 10],
    ("A", "L1"): [10, 10, 10, 10],
    ("B", "L1"): [10, 10, 10, 10],
}
STOCK = {
    ("boat", "L1"): 10,
    ("table", "L1"): 20,
    ("leg", "L1"): 40,
    ("cloth", "L1"): 10,
    ("cloth", "L2"): 100,
    ("A", "L1"): 0,
    ("B", "L1"): 0,
}
RULES = [
    {"item": "boat", "mode": "make", "source": "build", "lead_time": 0, "unit_cost": "400.00"},
    {"item": "table", "mode": "make", "source": "join", "lead_time": 1, "unit_cost": "5.00"},
    {"item": "leg", "mode": "buy", "source": "S", "lead_time": 1, "unit_cost": "2.00", "multiple": 50},
    {"item": "cloth", "mode": "transfer", "source": "L2", "lead_time": 1, "unit_cost": "0.50"},
    {"item": "cloth", "location": "L2", "mode": "buy", "source": "S", "lead_time": 1, "unit_cost": "3.00"},
    {"item": "A", "mode": "make", "source": "press A", "lead_time": 0, "unit_cost": "4.00"},
    {"item": "B", "mode": "make", "source": "press B", "lead_time": 0, "unit_cost": "4.00"},
]
MADE = {"build": "boat", "join": "table", "press A": "A", "press B": "B"}
LOADS = {"build": "yard", "press A": "line", "press B": "line"}
POLICIES = [
    {"shortage_cost": "1000.00", "holding_cost": "1.00"},
    {"item": "boat", "shortage_cost": "1000.00", "holding_cost": "20.00"},
    {"item": "leg", "shortage_cost": "1000.00", "holding_cost": "0.10"},
    {"item": "cloth", "location": "L2", "shortage_cost": "1000.00", "holding_cost": "0.20"},
    {"item": "A", "shortage_cost": "10.00", "holding_cost": "1.00"},
    {"item": "B", "shortage_cost": "50.00", "holding_cost": "1.00"},
]


@pytest.fixture(scope="module")
def area(accord):
    area = accord.area(horizon=STEPS)
    erp = area.as_("integrator")
    put(erp, "PUT", "/items", [{"item": item} for item in sorted({item for item, _ in STOCK})])
    put(erp, "PUT", "/locations", [{"location": "L1"}, {"location": "L2"}])
    stock = [{"item": item, "location": at, "as_of": week(0), "on_hand": units} for (item, at), units in STOCK.items()]
    put(erp, "POST", "/inventory", stock)
    put(erp, "PUT", "/supply/sourcing-rules", [{"location": "L1"} | rule for rule in RULES])
    put(erp, "PUT", "/supply/processes", [{"process": p, "item": i, "location": "L1"} for p, i in MADE.items()])
    put(erp, "PUT", "/supply/process-components", [{"process": "join", "component": "leg", "quantity_per": 4}])
    put(
        erp,
        "PUT",
        "/supply/process-loads",
        [{"process": p, "resource": r, "hours_per_unit": 1} for p, r in LOADS.items()],
    )
    yard = {"resource": "yard", "hours": 40, "overtime_hours": 100, "overtime_cost": "50.00"}
    put(erp, "PUT", "/supply/resources", [yard, {"resource": "line", "hours": 12}])
    put(erp, "PUT", "/supply/planning-policies", POLICIES)
    rows = [
        {"item": item, "location": at, "period": week(step), "mean": units}
        | {f"q{level:g}": units for level in QUANTILES}
        for (item, at), demand in DEMAND.items()
        for step, units in enumerate(demand)
    ]
    made = erp.post("/external-forecasts", params={"name": "textbook"}, json=rows)
    assert made.status_code == 201, made.text
    area.succeed(area.as_("planner").post("/plans", json={"forecast": made.json()["made"]}))
    return area


def get(area, path, **query):
    answer = area.as_("viewer").get(path, params={"limit": 1000} | query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def series(area, item, name, location="L1"):
    return [line[name] for line in get(area, "/plans/latest/lines", item=item, location=location)["items"]]


def spent(area, item, *parts, location="L1"):
    return sum(sum(map(float, series(area, item, f"{part}_cost", location))) for part in parts)


def test_sailco_builds_in_regular_time_and_overtime(area):
    yard = get(area, "/plans/latest/resources", resource="yard")["items"]
    assert [row["load"] - row["overtime"] for row in yard] == pytest.approx([40, 40, 40, 25])
    assert [row["overtime"] for row in yard] == pytest.approx([0, 10, 35, 0])
    assert [row["price"] for row in yard] == ["30.00", "50.00", "50.00", None]
    assert series(area, "boat", "available") == pytest.approx([10, 0, 0, 0])
    overtime = sum(float(row["overtime_cost"]) for row in yard)
    assert spent(area, "boat", "holding", "shortage", "ordering", "purchase") + overtime == pytest.approx(78450)


def test_legs_are_there_when_tables_are_made(area):
    """20 tables last two weeks, the others are begun in weeks 1 and 2; 40 legs are there, and 50 more are bought."""
    assert series(area, "table", "planned_releases") == pytest.approx([0, 10, 10, 0])
    assert series(area, "leg", "dependent_demand") == pytest.approx([0, 40, 40, 0])
    assert series(area, "leg", "planned_releases") == pytest.approx([0, 50, 0, 0])
    assert series(area, "leg", "available") == pytest.approx([40, 0, 10, 10])
    assert spent(area, "leg", "holding", "purchase") == pytest.approx(0.1 * 60 + 2 * 50)
    assert spent(area, "table", "holding", "purchase", "shortage") == pytest.approx(10 + 5 * 20)


def test_a_shop_is_served_from_its_depot(area):
    assert series(area, "cloth", "planned_releases") == pytest.approx([10, 10, 10, 0])
    assert series(area, "cloth", "dependent_demand", "L2") == pytest.approx([10, 10, 10, 0])
    assert spent(area, "cloth", "holding", location="L2") == pytest.approx(0.2 * (90 + 80 + 70 + 70))
    assert spent(area, "cloth", "purchase", "shortage") == pytest.approx(15)


def test_a_line_that_does_not_suffice_makes_what_is_dearer_to_lack(area):
    assert series(area, "A", "planned_releases") == pytest.approx([2, 2, 2, 2])
    assert series(area, "B", "planned_releases") == pytest.approx([10, 10, 10, 10])
    assert {row["price"] for row in get(area, "/plans/latest/resources", resource="line")["items"]} == {"10.00"}


def test_what_the_line_cannot_make_is_told_as_an_exception_of_its_capacity(area):
    late = {one["item"]: one["cause"] for one in get(area, "/plans/latest/exceptions")["items"]}
    assert late["A"] == "capacity"
    assert "B" not in late


def test_utilisation_is_that_of_the_plans_resources(area):
    """The yard takes 40, 50, 75 and 25 of 40 hours a week, the line 12 of 12."""
    rows = get(area, "/plans/latest/resources")["items"]
    load, hours = (sum(row[name] for row in rows) for name in ("load", "available"))
    found = area.as_("viewer").get("/kpis").json()["capacity_utilisation"]
    assert found == {"mean": pytest.approx(load / hours, abs=1e-3), "peak": pytest.approx(75 / 40)}


def test_the_plan_says_how_far_from_the_optimum_each_part_can_be(area):
    method = get(area, "/plans")["items"][0]["method"]
    assert sum(part["components"] for part in method["components"]) == 4
    assert sum(part["item_locations"] for part in method["components"]) == 7
    assert max(part["worst_gap"] for part in method["components"]) == pytest.approx(0, abs=0.01)


def test_what_is_to_be_done_now_is_told_by_its_kind(area):
    kinds = {(one["item"], one["resource"], one["type"]) for one in get(area, "/recommendations")["items"]}
    assert kinds == {
        ("boat", None, "produce"),
        ("A", None, "produce"),
        ("B", None, "produce"),
        ("cloth", None, "transfer"),
        (None, "yard", "add_capacity"),
    }
