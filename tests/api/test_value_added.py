"""Forecast value added over the real stack: a forecast is adjusted, demand comes, and the answer says what it cost."""

import pytest

from tests.factories import load_history, put, train_and_promote, week

WEEKS = 80
ITEMS = ("A", "B")
CAME = {"A": (50.0, 40.0), "B": (90.0, 100.0)}


def test_what_an_adjustment_that_did_harm_was_worth(accord):
    """A is set to 500 a week; 450 and 460 of that were never asked for. B stays as the model told it."""
    area = accord.area(horizon=2)
    load_history(area, WEEKS, ITEMS)
    train_and_promote(area)
    planner, erp = area.as_("planner"), area.as_("integrator")
    champion = area.succeed(planner.post("/forecasts", json={}))
    wish = {"action": "set", "value": 500, "item": "A", "reason_code": "PROMOTION"}
    assert planner.post("/adjustments", json=wish).status_code == 201
    area.succeed(planner.post("/forecasts", json={"consensus": True}))
    rows = planner.get(f"/forecasts/{champion['id']}/values").json()["items"]
    told = {(row["item"], row["period"]): row["mean"] for row in rows}
    came = {(item, week(WEEKS + step)): CAME[item][step] for item in ITEMS for step in (0, 1)}
    past = {(row["item"], row["period"]): row["quantity"] for row in planner.get("/demand?limit=500").json()["items"]}
    naive = {(item, week(WEEKS + step)): past[item, week(WEEKS + step - 52)] for item in ITEMS for step in (0, 1)}
    arrived = [
        {"item": item, "location": "L1", "period": period, "quantity": quantity}
        for (item, period), quantity in came.items()
    ]
    put(erp, "POST", "/demand", arrived)

    answer = area.as_("viewer").get("/accuracy?by=stage")
    assert answer.status_code == 200, answer.text
    found = answer.json()["value_added"]
    (row,) = found["items"]
    assert (found["measure"], found["first_lag"], found["last_lag"]) == ("wmape", 1, 2)
    assert (found["first"], found["last"], row["n"], row["series"]) == (week(WEEKS), week(WEEKS + 1), 4, 2)
    stages = {one["stage"]: one for one in row["stages"]}
    missed = sum(abs(told[cell] - quantity) for cell, quantity in came.items())
    of_b = sum(abs(told[cell] - quantity) for cell, quantity in came.items() if cell[0] == "B")
    assert stages["naive"]["wmape"] == pytest.approx(
        sum(abs(naive[cell] - came[cell]) for cell in came) / 280, rel=1e-6
    )
    assert stages["champion"]["wmape"] == pytest.approx(missed / 280)
    assert stages["consensus"]["wmape"] == pytest.approx((450 + 460 + of_b) / 280)
    assert stages["consensus"]["value_added"] == pytest.approx((missed - of_b - 910) / 280)
    assert stages["consensus"]["value_added"] < 0
    whole = sum(one["value_added"] for one in row["stages"][1:])
    assert row["total"]["value_added"] == pytest.approx(whole)
    by_lag = area.as_("viewer").get("/accuracy?by=lag").json()["value_added"]["items"]
    assert [(one["group"], one["n"]) for one in by_lag] == [("1", 2), ("2", 2)]
