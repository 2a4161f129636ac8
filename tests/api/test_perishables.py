"""What is thrown away over the real stack, in a plan and in both runs that it is held against; all worked out by hand.

Everything can be used for two weeks. "milk": 50 on hand, of which 10 a week are sold, at 4 each: 30 expire after week 2
whatever is done, and the benchmark's 40 of week 3 do not sell in time either: 20 more. "bread": none on hand, 3 a week,
at 2 each: a plan buys week by week; the benchmark orders up to 12, and throws 6 away in weeks 2 and 4.
"""

import pytest

from tests.factories import put, week

STEPS = 4
QUANTILES = (0.025, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.975)
SOLD = {"milk": 10, "bread": 3}


@pytest.fixture(scope="module")
def plan(accord):
    area = accord.area(horizon=STEPS)
    erp = area.as_("integrator")
    put(erp, "PUT", "/items", [{"item": item, "shelf_life_days": 14} for item in SOLD])
    put(erp, "PUT", "/locations", [{"location": "L1"}])
    sold = [
        {"item": item, "location": "L1", "period": week(t), "quantity": SOLD[item]} for item in SOLD for t in range(13)
    ]
    put(erp, "POST", "/demand", sold)
    stock = {"milk": 50, "bread": 0}
    put(
        erp,
        "POST",
        "/inventory",
        [{"item": item, "location": "L1", "as_of": week(13), "on_hand": units} for item, units in stock.items()],
    )
    rule = {"location": "L1", "mode": "buy", "source": "S1", "lead_time": 0}
    prices = {"milk": "4.00", "bread": "2.00"}
    put(erp, "PUT", "/supply/sourcing-rules", [rule | {"item": item, "unit_cost": prices[item]} for item in SOLD])
    put(erp, "PUT", "/supply/planning-policies", [{"shortage_cost": "10.00", "holding_cost": "0.10"}])
    forecast = [
        {"item": item, "location": "L1", "period": week(13 + step), "mean": units}
        | {f"q{level:g}": units for level in QUANTILES}
        for item, units in SOLD.items()
        for step in range(STEPS)
    ]
    made = erp.post("/external-forecasts", params={"name": "textbook"}, json=forecast)
    assert made.status_code == 201, made.text
    return area.succeed(area.as_("planner").post("/plans", json={"forecast": made.json()["made"]}))


@pytest.mark.parametrize(
    ("run", "waste"), [("plan", 4 * 30), ("nothing", 4 * 30), ("benchmark", 4 * (30 + 20) + 2 * (6 + 6))]
)
def test_what_expires_is_waste_in_all_three_runs(plan, run, waste):
    cost = plan["kpis"][run]["cost"]
    assert float(cost["waste"]["mean"]) == pytest.approx(waste)
    parts = ("holding", "shortage", "ordering", "overtime", "waste")
    assert float(cost["relevant"]["mean"]) == pytest.approx(sum(float(cost[part]["mean"]) for part in parts))


def test_only_what_would_not_sell_in_time_is_planned_with_its_shelf_life(plan):
    assert [part["item_locations"] for part in plan["method"]["components"]] == [1]
