"""Textbook cases whose terms change by date, over the real stack: rules of one source that follow each other.

G8d: stockpyl's instance of Wagner-Whitin with a price by period. G9: Wagner and Whitin (1958), an ordering cost by
period. Forecasts whose quantiles equal their mean are planned exactly.
"""

import pytest

from tests.factories import put, week

STEPS = 13
QUANTILES = (0.025, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.975)
DEMAND = {"G8d": [400, 500, 500, 1100, 900], "G9": [69, 29, 36, 61, 61, 26, 34, 67, 45, 67, 79, 56]}
PRICES = [3, 1, 4, 6, 6]
ORDERING = [85, 102, 102, 101, 98, 114, 105, 86, 119, 110, 98, 114]
HOLDING = {"G8d": "0.10", "G9": "1.00"}
RULES = [
    *(
        {"item": "G8d", "unit_cost": price, "order_cost": 100, "effective_from": week(t)}
        for t, price in enumerate(PRICES)
    ),
    *({"item": "G9", "unit_cost": 0, "order_cost": cost, "effective_from": week(t)} for t, cost in enumerate(ORDERING)),
]


@pytest.fixture(scope="module")
def lines(accord):
    area = accord.area(horizon=STEPS)
    erp = area.as_("integrator")
    put(erp, "PUT", "/items", [{"item": name} for name in DEMAND])
    put(erp, "PUT", "/locations", [{"location": "L1"}])
    put(
        erp, "POST", "/inventory", [{"item": name, "location": "L1", "as_of": week(0), "on_hand": 0} for name in DEMAND]
    )
    bought = {"location": "L1", "mode": "buy", "source": "S1", "lead_time": 0}
    rules = [bought | rule | {name: f"{rule[name]}.00" for name in ("unit_cost", "order_cost")} for rule in RULES]
    put(erp, "PUT", "/supply/sourcing-rules", rules)
    costs = {"location": "L1", "shortage_cost": "1000.00", "shortage_mode": "backlog"}
    put(erp, "PUT", "/supply/planning-policies", [costs | {"item": k, "holding_cost": v} for k, v in HOLDING.items()])
    forecast = [
        {"item": name, "location": "L1", "period": week(step), "mean": units} | {f"q{q:g}": units for q in QUANTILES}
        for name, demand in DEMAND.items()
        for step, units in enumerate([*demand, *[0] * (STEPS - len(demand))])
    ]
    made = erp.post("/external-forecasts", params={"name": "textbook"}, json=forecast)
    assert made.status_code == 201, made.text
    plan = area.succeed(area.as_("planner").post("/plans", json={"forecast": made.json()["made"]}))
    return area.as_("viewer").get(f"/plans/{plan['id']}/lines", params={"limit": 1000}).json()["items"]


def of(lines, item, *names):
    return [sum(float(line[name]) for name in names) for line in lines if line["item"] == item]


def test_a_low_price_is_bought_ahead_for(lines):
    assert of(lines, "G8d", "planned_releases")[:5] == pytest.approx([400, 3000, 0, 0, 0])
    cost = of(lines, "G8d", "holding_cost", "shortage_cost", "ordering_cost", "purchase_cost")
    assert sum(cost) == pytest.approx(4940)


def test_orders_are_placed_where_ordering_is_cheap(lines):
    assert sum(of(lines, "G9", "holding_cost", "shortage_cost", "ordering_cost")) == pytest.approx(864)
    assert sum(of(lines, "G9", "planned_releases")) == pytest.approx(sum(DEMAND["G9"]))
