"""What a plan recommends beside orders: stock to part with, and lead times that deliveries disprove."""

import datetime

from tests.unit.planner_service.test_changes import told
from tests.unit.planner_service.upstream import week

LATE = (14, 21, 14, 21, 14)  # days


def accept(area, found):
    tag = {"If-Match": f'"{found["version"]}"'}
    return area.ok("POST", f"/recommendations/{found['id']}/decisions", json={"action": "accept"}, headers=tag)


def stock(area, on_hand, monday=0):
    told = {"item": "A", "location": "L", "as_of": week(monday).isoformat(), "on_hand": on_hand}
    area.ok("POST", "/inventory", json=[told])


def test_stock_beyond_what_is_worth_keeping_is_to_be_parted_with(area):
    """Held at 0.50 a week what costs 4.00 is worth keeping for 8 weeks: of 131 at 10 a week 50 are not."""
    area.supply("A")
    area.ok("PUT", "/supply/planning-policies", json={"shortage_cost": "6.00", "holding_cost": "0.50"})
    stock(area, 131)
    area.forecasts("A")
    area.plan()
    [found] = told(area, "dispose")
    assert found["disposal"] == {
        "quantity": 50.0,
        "on_hand": 131.0,
        "demand_per_period": 10.0,
        "worth_keeping_periods": 8.0,
        "value": "200.00",
        "net_benefit": "200.00",
    }
    assert "dispose of 50 of 131 of A in L: at 10 a period a unit is worth keeping for 8 periods" in found["text"]
    assert (found["order"], told(area, "buy")) == (None, [])


def test_what_was_decided_of_this_stock_is_not_recommended_again(area):
    area.supply("A")
    area.ok("PUT", "/supply/planning-policies", json={"shortage_cost": "6.00", "holding_cost": "0.50"})
    stock(area, 131)
    area.forecasts("A")
    area.plan()
    [found] = told(area, "dispose")
    accept(area, found)
    area.plan()
    [again] = told(area, "dispose")
    assert again["id"] == found["id"]


def delivered(area, late):
    area.supply("A")
    area.forecasts("A")
    area.plan()
    [order] = told(area, "buy")
    accept(area, order)
    for number, days in enumerate(late):
        came = datetime.date.fromisoformat(order["order"]["receipt_date"]) + datetime.timedelta(days=days)
        report = {"reference": f"PO-{number}", "status": "received", "quantity": 5, "received_quantity": 5}
        report["received_on"] = came.isoformat()
        area.ok("POST", f"/recommendations/{order['id']}/execution", json=report, by="erp")


def test_a_lead_time_that_deliveries_disprove_is_to_be_changed(area):
    """2, 3, 2, 3 and 2 weeks late: 2.4 on average, with a standard deviation of 0.548 and a standard error of 0.245."""
    delivered(area, LATE)
    area.plan()
    [found] = told(area, "parameter_change")
    assert found["parameter"] == {
        "record": {
            "table": "supply/sourcing-rules",
            "key": {"item": "A", "location": "L", "mode": "buy", "source": "S"},
        },
        "name": "lead_time",
        "current": 2.0,
        "proposed": 4.0,
        "current_spread": 0.0,
        "proposed_spread": 0.548,
        "deliveries": 5,
        "mean_late": 2.4,
        "standard_error": 0.245,
    }
    assert (
        "from S: 4 in place of 2 periods, with a spread of 0.548. 5 deliveries came 2.4 periods late" in found["text"]
    )
    accept(area, found)
    area.plan()
    assert [one["id"] for one in told(area, "parameter_change")] == [found["id"]]


def test_four_deliveries_or_punctual_ones_change_nothing(area):
    delivered(area, LATE[:4])
    area.plan()
    assert told(area, "parameter_change") == []
