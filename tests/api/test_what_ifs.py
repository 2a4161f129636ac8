"""Explanations and what-ifs over the real stack: through the gateway, by several callers, planned on when named."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.factories import history, load_history, load_supply, put, train_and_promote, week

WEEKS = 80
ITEMS = ("A", "B", "C", "D")
DEALS = frozenset(range(0, WEEKS, 4))


@pytest.fixture(scope="module")
def loaded(accord):
    """Demand that doubles with each deal; none is announced."""
    area = accord.area(horizon=4)
    load_history(area, WEEKS, ITEMS)
    load_supply(area, WEEKS, ITEMS)
    erp = area.as_("integrator")
    rows = [
        row | {"quantity": row["quantity"] * 2}
        for row in history(WEEKS, ITEMS)
        if row["period"] in {week(number) for number in DEALS}
    ]
    put(erp, "POST", "/demand", rows)
    deal = {"kind": "promotion", "known_ahead": True, "scope": "item"}
    assert erp.put("/drivers/deal", json=deal).status_code == 200
    put(erp, "POST", "/drivers/deal/values", [{"item": i, "period": week(n), "value": 1} for i in ITEMS for n in DEALS])
    train_and_promote(area)
    return area


@pytest.fixture(scope="module")
def base(loaded):
    return loaded.succeed(loaded.as_("planner").post("/forecasts", json={}))


@pytest.fixture(scope="module")
def promoted(loaded, base):
    overlay = {"driver": "deal", "item": "B", "from": week(WEEKS), "to": week(WEEKS), "value": 1}
    return loaded.succeed(loaded.as_("planner").post("/forecasts", json={"base": base["id"], "overlays": [overlay]}))


def explanation(client, forecast, item, **more):
    params = {"item": item, "location": "L1"} | more
    while (answer := client.get(f"/forecasts/{forecast['id']}/explanation", params=params)).status_code == 503:
        time.sleep(int(answer.headers["retry-after"]))  # a busy machine takes long to begin the process that explains
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_callers_that_come_at_once_each_have_their_answer(loaded, base):
    viewer = loaded.as_("viewer")
    with ThreadPoolExecutor(4) as callers:
        found = list(callers.map(lambda item: explanation(viewer, base, item), ITEMS))
    assert [one["item"] for one in found] == list(ITEMS)
    for one in found:
        values = viewer.get(f"/forecasts/{base['id']}/values", params={"item": one["item"]}).json()["items"]
        for period, value in zip(one["periods"], values, strict=True):
            assert period["mean"] == value["mean"]
            total = period["base"] + sum(cause["units"] for cause in period["causes"])
            assert total == pytest.approx(value["mean"], rel=1e-9)


def test_a_deal_raises_its_week_and_the_explanation_says_so(loaded, base, promoted):
    told = explanation(loaded.as_("viewer"), promoted, "B", since=base["id"])["change"]["periods"]
    first = {cause["cause"]: cause["units"] for cause in told[0]["causes"]}
    assert told[0]["after"] > told[0]["before"]
    assert first["promotion"] > 0.9 * (told[0]["after"] - told[0]["before"])
    assert [period["after"] for period in told[1:]] == [period["before"] for period in told[1:]]


def test_a_what_if_is_planned_on_when_it_is_named(loaded, base, promoted):
    planner = loaded.as_("planner")
    plain, what_if = (loaded.succeed(planner.post("/plans", json=body)) for body in ({}, {"forecast": promoted["id"]}))
    assert (plain["forecast"], what_if["forecast"]) == (base["id"], promoted["id"])
    lines = [
        {
            (row["item"], row["period"]): row["demand"]
            for row in planner.get(f"/plans/{plan['id']}/lines", params={"limit": 1000}).json()["items"]
        }
        for plan in (plain, what_if)
    ]
    changed = {item for item, period in lines[0] if lines[0][item, period] != lines[1][item, period]}
    assert changed == {"B"}


def test_a_scenario_with_a_driver_is_forecast_anew_for_its_plan(loaded, base):
    planner = loaded.as_("planner")
    deal = {"kind": "driver", "driver": "deal", "item": "B", "from": week(WEEKS), "to": week(WEEKS), "value": 1}
    assert planner.put("/scenarios/deal", json={"deltas": [deal]}).status_code == 200
    plain, plan = (loaded.succeed(planner.post("/plans", json=body)) for body in ({}, {"scenario": "deal"}))
    assert (plan["base"], plan["taken_over"]) == (plain["id"], len(ITEMS) - 1)
    made = planner.get(f"/forecasts/{plan['forecast']}").json()
    [overlay] = made["overlays"]
    given = {name: value for name, value in overlay.items() if value is not None}
    assert (made["base"], given) == (base["id"], {name: deal[name] for name in deal if name != "kind"})
    [compared] = planner.get("/scenarios/compare?ids=deal").json()["scenarios"]
    assert (compared["outdated"], compared["plan"]) == ([], plan["id"])
    assert float(compared["difference"]["mean"]) != 0
