"""Textbook lot-sizing cases over the real stack: forecasts whose quantiles equal their mean are planned exactly."""

import pytest

from tests.factories import put, week

STEPS = 5
QUANTILES = (0.025, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.975)
USUAL = {"multiple": 1, "order_cost": "0.00", "holding_cost": "1.00", "on_hand": 0, "mode": "lost"}

# PLANNING.md, section 5: demand, what differs from USUAL, releases, and cost of holding, shortage and ordering
CASES = {
    "G8": ([90, 120, 80, 70], {"order_cost": "500.00", "holding_cost": "2.00"}, [210, 0, 150, 0], 1380),
    "G8 backlog": (
        [90, 120, 80, 70],
        {"order_cost": "500.00", "holding_cost": "2.00", "mode": "backlog"},
        [210, 0, 150, 0],
        1380,
    ),
    "G10": ([18, 30, 42, 5, 20], {"order_cost": "80.00", "holding_cost": "2.00"}, [48, 0, 47, 0, 20], 310),
    "G24": ([40], {"on_hand": 10, "multiple": 6}, [30], 0),
    "G24 rounded": ([40], {"on_hand": 8, "multiple": 6}, [36], 4 * STEPS),
    "G25": ([60], {"multiple": 20}, [60], 0),
    "G25 increased": ([90], {"multiple": 20}, [100], 10 * STEPS),
}


def padded(values):
    return [*values, *[0] * (STEPS - len(values))]


@pytest.fixture(scope="module")
def planned(accord):
    area = accord.area(horizon=STEPS)
    erp = area.as_("integrator")
    put(erp, "PUT", "/items", [{"item": name} for name in CASES])
    put(erp, "PUT", "/locations", [{"location": "L1"}])
    inventory, rules, policies, forecast = [], [], [], []
    for name, (demand, given, _, _) in CASES.items():
        terms, key = USUAL | given, {"item": name, "location": "L1"}
        inventory.append(key | {"as_of": week(0), "on_hand": terms["on_hand"]})
        rule = {name: terms[name] for name in ("multiple", "order_cost")}
        rules.append(key | rule | {"mode": "buy", "source": "S1", "lead_time": 0, "unit_cost": "1.00"})
        costs = {"holding_cost": terms["holding_cost"], "shortage_cost": "1000.00"}
        policies.append(key | costs | {"shortage_mode": terms["mode"]})
        forecast += [
            key | {"period": week(step), "mean": units} | {f"q{level:g}": units for level in QUANTILES}
            for step, units in enumerate(padded(demand))
        ]
    put(erp, "POST", "/inventory", inventory)
    put(erp, "PUT", "/supply/sourcing-rules", rules)
    put(erp, "PUT", "/supply/planning-policies", policies)
    made = erp.post("/external-forecasts", params={"name": "textbook"}, json=forecast)
    assert made.status_code == 201, made.text
    plan = area.succeed(area.as_("planner").post("/plans", json={"forecast": made.json()["made"]}))
    lines = area.as_("viewer").get(f"/plans/{plan['id']}/lines", params={"limit": 1000}).json()["items"]
    return plan, lines


@pytest.mark.parametrize("name", list(CASES))
def test_a_textbook_case_is_planned_as_the_book_does(planned, name):
    _, _, releases, cost = CASES[name]
    lines = [line for line in planned[1] if line["item"] == name]
    assert [line["planned_releases"] for line in lines] == padded(releases)
    parts = ("holding_cost", "shortage_cost", "ordering_cost")
    assert sum(float(line[part]) for line in lines for part in parts) == pytest.approx(cost)


def test_the_plan_says_that_none_is_cheaper(planned):
    method, cost = planned[0]["method"], planned[0]["kpis"]["plan"]["cost"]
    assert (method["name"], method["gap"], method["bound"]) == ("dynamic_program", 0.0, cost["total"]["mean"])
    assert float(cost["relevant"]["mean"]) == pytest.approx(sum(case[3] for case in CASES.values()))
    bought = sum(sum(case[2]) for case in CASES.values())
    assert float(cost["purchase"]["mean"]) == pytest.approx(bought)
