"""A plan run, from the forecast's Arrow stream to recommendations in a real database."""

import csv
import io
import json
import re
from decimal import Decimal
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from services.planner.plans import filing
from services.planner.plans.bulk import copy_lines
from services.planner.plans.lines import MEASURES
from services.planner.plans.tables import PlanLine
from shared.media import NDJSON, PARQUET
from tests.unit.planner_service.test_orders import receipt
from tests.unit.planner_service.test_recommendations import decide
from tests.unit.planner_service.upstream import ARROW, FORECAST, demand, values, week

PARTS = ("holding", "shortage", "ordering", "purchase")


def recommendations(area, query=""):
    return area.ok("GET", f"/recommendations?sort=created_at&{query}")["items"]


def lines(area, item):
    return area.ok("GET", f"/plans/latest/lines?item={item}")["items"]


def warnings(plan):
    return {warning["code"]: warning["count"] for warning in plan["warnings"]}


def faults(area):
    return {
        (one["item"], one["location"]): [fault["code"] for fault in one["faults"]]
        for one in recommendations(area, "type=data_fix&status=proposed")
    }


def test_a_plan_says_what_it_rests_on(area):
    area.supply("A", "B")
    area.forecasts("A", "B")
    plan = area.plan()
    assert (plan["status"], plan["error"]) == ("succeeded", None)
    assert (plan["forecast"], plan["model_version"], plan["currency"]) == (str(FORECAST), 3, "USD")
    assert plan["periods"] == [week(step).isoformat() for step in range(8)]
    assert plan["as_of"] == week(0).isoformat()
    assert plan["counts"] == {"item_locations": 2, "planned": 2, "orders": 2, "data_fixes": 0}
    assert plan["progress"] == {"done": 2, "total": 2, "unit": "item-locations"}
    assert (plan["method"]["bound"], plan["method"]["gap"], plan["method"]["paths"]) == (None, None, 200)
    assert all(re.fullmatch("[0-9a-f]{64}", plan[name]) for name in ("input_digest", "output_digest", "code_version"))
    assert area.upstream.headers[0]["authorization"] == "Bearer key"
    assert area.ok("GET", "/plans/latest") == plan
    assert [one["id"] for one in area.ok("GET", "/plans")["items"]] == [plan["id"]]


def test_costs_add_up_over_parts_and_lines(area):
    area.supply("A", "B")
    area.forecasts("A", "B")
    plan = area.plan()
    for policy in plan["kpis"].values():
        cost = {part: Decimal(figure["mean"]) for part, figure in policy["cost"].items()}
        assert sum(cost[part] for part in PARTS) == cost["total"]
        assert cost["relevant"] == cost["total"] - cost["purchase"]
    text = area("GET", "/plans/latest/lines", headers={"accept": "text/csv"}).text
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 16
    for part in PARTS:
        over_lines = sum(float(row[f"{part}_cost"]) for row in rows)
        assert over_lines == pytest.approx(float(plan["kpis"]["plan"]["cost"][part]["mean"]), abs=0.01)
    assert plan["kpis"]["nothing"]["cost"]["ordering"]["mean"] == "0.00"
    assert float(plan["kpis"]["plan"]["fill_rate"]["mean"]) > float(plan["kpis"]["nothing"]["fill_rate"]["mean"])


def test_a_certain_forecast_gives_the_certain_plan(area):
    """Ten on hand, ten a week, two weeks away: a week is lost; five a lot, and holding is dear beside the order."""
    area.supply("A", moq=0, order_cost="0")
    area.ok("PUT", "/supply/planning-policies", json={"shortage_cost": "6.00", "holding_cost": "1.00"})
    area.upstream.forecasts(values({("A", "L"): (10.0, 10.0, 10.0)}), demand({("A", "L"): 10.0}))
    area.plan()
    order = recommendations(area)[0]["order"]
    assert (order["quantity"], order["release_date"], order["receipt_date"]) == (
        10.0,
        week(0).isoformat(),
        week(2).isoformat(),
    )
    assert order["stockout_probability"] == {"without": 1.0, "with": 0.0}
    assert order["expected_shortage"] == {"without": 10.0, "with": 0.0}
    assert order["cost_of_inaction"] == {"mean": "60.00", "p90": "60.00", "units": 10.0}
    assert order["cost_of_acting"] == {
        "total": "40.00",
        "purchase": "40.00",
        "ordering": "0.00",
        "extra_holding": "0.00",
    }
    assert order["net_benefit"] == "60.00"
    projected = lines(area, "A")
    assert [line["shortage"] for line in projected[:3]] == [0.0, 10.0, 0.0]
    assert [line["shortage_cost"] for line in projected[:3]] == ["0.00", "60.00", "0.00"]
    assert projected[2]["planned_receipts"] == 10.0


def test_evidence_is_consistent_in_itself(area):
    area.supply("A")
    area.forecasts("A")
    area.plan()
    order = recommendations(area)[0]["order"]
    acting = {name: Decimal(value) for name, value in order["cost_of_acting"].items()}
    assert acting["total"] == acting["purchase"] + acting["ordering"] + acting["extra_holding"]
    assert acting["purchase"] == Decimal(str(order["quantity"])) * 4
    assert order["cost_of_inaction"]["units"] == pytest.approx(
        order["expected_shortage"]["without"] - order["expected_shortage"]["with"]
    )
    assert order["quantity"] >= 10
    assert order["quantity"] % 5 == 0
    triggers = order["triggers"]
    assert (triggers["moq"], triggers["multiple"], triggers["lead_time"], triggers["review_period"]) == (
        10.0,
        5.0,
        2,
        1,
    )
    assert (triggers["on_hand"], triggers["shortage_cost"], triggers["holding_cost"]) == (10.0, "6.00", "0.04")
    kinds = [option["kind"] for option in order["alternatives"]]
    assert len(kinds) <= 3
    assert set(kinds) <= {"wait", "smaller_lot", "larger_lot"}
    benefits = [Decimal(option["net_benefit"]) for option in order["alternatives"]]
    assert benefits == sorted(benefits, reverse=True)
    assert Decimal(order["net_benefit"]) >= benefits[0]


def test_every_number_in_the_text_is_a_field(area):
    area.supply("A", mode="make", source="line 4")
    area.forecasts("A")
    area.plan()
    [made] = recommendations(area)
    order = made["order"]
    assert made["type"] == "produce"
    probability = {name: Decimal(str(share)) * 100 for name, share in order["stockout_probability"].items()}
    assert made["text"] == (
        f"Produce {order['quantity']:g} of A for L from line 4: release by {order['release_by']}, to be received on "
        f"{order['receipt_date']}. It lowers the stock-out probability from {probability['without'].normalize():f} % "
        f"to {probability['with'].normalize():f} % and saves {order['cost_of_inaction']['mean']} USD of expected "
        "shortage cost."
    )


def test_the_same_inputs_give_the_same_plan(area):
    area.supply("A", "B")
    area.forecasts("A", "B")
    first, second = area.plan(), area.plan()
    assert (first["input_digest"], first["output_digest"]) == (second["input_digest"], second["output_digest"])
    area.ok("POST", "/inventory", json={"item": "A", "location": "L", "as_of": week(0).isoformat(), "on_hand": 11})
    third = area.plan()
    assert third["input_digest"] != first["input_digest"]
    assert third["output_digest"] != first["output_digest"]


def test_a_newer_plan_takes_the_place_of_what_is_open(area, inbox):
    decide(area, inbox[0], {"action": "accept"})
    decide(area, inbox[1], {"action": "reject", "reason_code": "BUDGET_CASH"})
    newer = area.plan()
    old = [area.ok("GET", f"/recommendations/{one['id']}") for one in inbox]
    assert [one["status"] for one in old] == ["accepted", "rejected", "superseded"]
    assert (old[2]["version"], old[2]["superseded_by"]) == (2, newer["id"])
    refused = decide(area, inbox[2], {"action": "accept"}, version=2)
    assert (refused.status_code, newer["id"] in refused.json()["detail"]) == (409, True)
    assert {one["plan"] for one in recommendations(area, "status=proposed")} == {newer["id"]}
    assert area.ok("POST", "/decisions:verify")["chains"][0]["intact"]


def test_decided_orders_count_as_supply_until_the_erp_has_them(area):
    area.supply("A")
    area.forecasts("A")
    area.plan()
    [order] = recommendations(area)
    wish = {"action": "override", "quantity": 85, "due": week(2).isoformat(), "reason_code": "PROMOTION"}
    decide(area, order, wish)
    assert area.plan()["counts"]["orders"] == 0
    assert lines(area, "A")[2]["scheduled_receipts"] == 85.0
    area.ok("POST", "/scheduled-receipts", json=receipt(order, quantity=85, due=week(3).isoformat()))
    area.plan()
    assert [line["scheduled_receipts"] for line in lines(area, "A")[2:4]] == [0.0, 85.0]


def during(monkeypatch, act):
    """Let somebody act after a plan has read its inputs and before it files anything."""
    original = filing.file

    def file(*arguments):
        act()
        return original(*arguments)

    monkeypatch.setattr(filing, "file", file)


def test_what_is_decided_while_a_plan_is_computed_is_not_ordered_twice(area, inbox, monkeypatch):
    during(monkeypatch, lambda: decide(area, inbox[0], {"action": "accept"}))
    newer = area.plan()
    assert warnings(newer) == {"decided-meanwhile": 1}
    assert newer["counts"]["orders"] == 2
    open_items = {one["item"] for one in recommendations(area, "status=proposed")}
    assert open_items == {one["item"] for one in inbox[1:]}
    assert [order["item"] for order in area.ok("GET", "/orders")["items"]] == [inbox[0]["item"]]
    assert area.ok("POST", "/decisions:verify")["chains"][0]["intact"]


def test_what_is_reverted_while_a_plan_is_computed_stays_open(area, inbox, monkeypatch):
    decide(area, inbox[0], {"action": "accept"})
    during(monkeypatch, lambda: decide(area, inbox[0], {"action": "revert"}, version=2))
    area.plan()
    shown = area.ok("GET", f"/recommendations/{inbox[0]['id']}")
    assert (shown["status"], shown["version"]) == ("proposed", 3)
    assert area.ok("POST", "/decisions:verify")["chains"][0]["intact"]


def test_what_cannot_be_planned_is_to_be_mended_and_the_rest_is_planned(area):
    area.supply("good", "late", "free", "elsewhere")
    area.supply("late", lead_time=8)
    area.supply("free", unit_cost="0")
    area.ok("POST", "/inventory", json={"item": "ruleless", "location": "L", "as_of": "2026-03-01", "on_hand": 1})
    rule = {"location": "L", "mode": "buy", "source": "S", "lead_time": 1, "unit_cost": "1.00"}
    area.ok("PUT", "/supply/sourcing-rules", json=rule | {"item": "stockless"})
    area.ok("POST", "/scheduled-receipts", json=receipt({"item": "unheard-of", "id": None}))
    area.ok("POST", "/inventory", json={"item": "gone", "location": "L", "as_of": "2026-03-01", "on_hand": 0})
    area.forecasts("good", "late", "free", "ruleless", "stockless", "bare")
    plan = area.plan()
    assert faults(area) == {
        ("bare", "L"): ["no-sourcing-rule", "no-stock"],
        ("elsewhere", "L"): ["not-in-forecast"],
        ("free", "L"): ["no-holding-cost"],
        ("late", "L"): ["beyond-horizon"],
        ("ruleless", "L"): ["no-sourcing-rule"],
        ("stockless", "L"): ["no-stock"],
        ("unheard-of", "L"): ["not-in-forecast"],
    }
    assert plan["counts"] == {"item_locations": 6, "planned": 1, "orders": 1, "data_fixes": 7}
    fix = recommendations(area, "type=data_fix&item=bare")[0]
    assert fix["order"] is None
    assert all(fault["detail"] in fix["text"] for fault in fix["faults"])
    assert "plan over more than 8 periods" in recommendations(area, "type=data_fix&item=late")[0]["text"]


def test_a_plan_of_nothing_plannable_is_a_list_of_what_to_mend(area):
    area.ok("POST", "/inventory", json={"item": "A", "location": "L", "as_of": "2026-03-01", "on_hand": 1})
    area.forecasts("A")
    plan = area.plan()
    assert (plan["status"], plan["kpis"], plan["method"]) == ("succeeded", None, None)
    assert plan["counts"] == {"item_locations": 1, "planned": 0, "orders": 0, "data_fixes": 1}
    assert area.ok("GET", "/plans/latest/lines") == {"items": [], "next_cursor": None}


def test_the_newest_stock_up_to_the_plans_begin_counts(area):
    area.supply("A")
    stock = [
        {"item": "A", "location": "L", "as_of": week(step).isoformat(), "on_hand": 5 + step} for step in (-3, -1, 1)
    ]
    area.ok("POST", "/inventory", json=stock)
    area.forecasts("A")
    area.plan(as_of=week(0).isoformat())
    assert recommendations(area)[0]["order"]["triggers"]["on_hand"] == 10.0
    plan = area.plan(as_of=week(2).isoformat(), horizon=5)
    assert plan["periods"] == [week(step).isoformat() for step in range(2, 7)]
    assert recommendations(area, f"plan={plan['id']}")[0]["order"]["triggers"]["on_hand"] == 6.0


def test_assumptions_are_told_as_warnings(area):
    area.supply("A", "B")
    stock = {"item": "A", "location": "L", "as_of": week(0).isoformat(), "on_hand": 10, "reserved": 12}
    area.ok("POST", "/inventory", json=stock)
    area.ok(
        "PUT",
        "/supply/sourcing-rules",
        json={"item": "C", "location": "L", "mode": "buy", "source": "S", "lead_time": 1, "unit_cost": "1.00"},
    )
    area.ok("POST", "/inventory", json={"item": "C", "location": "L", "as_of": week(-5).isoformat(), "on_hand": 100})
    area.ok("POST", "/scheduled-receipts", json=receipt({"item": "B", "id": None}, due=week(-1).isoformat()))
    area.forecasts("A", "B", "C")
    assert warnings(area.plan()) == {"overdue-receipts": 1, "stale-stock": 1, "reserved-exceeds-stock": 1}
    assert lines(area, "B")[0]["scheduled_receipts"] == 30.0
    assert lines(area, "A")[0]["available"] == 0.0


def test_the_most_specific_policy_holds(area):
    area.supply("A", "B", "C")
    table = [
        {"service_level": 0.5, "shortage_mode": "backlog"},
        {"location": "L", "service_level": 0.6},
        {"item": "A", "service_level": 0.7},
        {"item": "A", "location": "L", "service_level": 0.8},
        {"item": "B", "shortage_cost": "7.00"},
        {"item": "C", "location": "M", "service_level": 0.9},
    ]
    area.ok("PUT", "/supply/planning-policies", json=table)
    area.forecasts("A", "B", "C")
    area.plan()
    triggers = {one["item"]: one["order"]["triggers"] for one in recommendations(area)}
    assert {item: (one["service_level"], one["shortage_cost"]) for item, one in triggers.items()} == {
        "A": (0.8, None),
        "B": (None, "7.00"),
        "C": (0.6, None),
    }
    assert {one["shortage_mode"] for one in triggers.values()} == {"lost"}


def test_a_fill_rate_and_an_unsure_lead_time_are_planned_for_and_told(area):
    area.supply("A")
    area.supply("B", lead_time_spread=1.5)
    area.ok("PUT", "/supply/planning-policies", json={"fill_rate": 0.97})
    area.forecasts("A", "B")
    area.plan()
    orders = {one["item"]: one["order"] for one in recommendations(area)}
    told = {item: one["triggers"] for item, one in orders.items()}
    assert {(one["fill_rate"], one["service_level"], one["shortage_cost"]) for one in told.values()} == {
        (0.97, None, None)
    }
    assert (told["A"]["lead_time_spread"], told["B"]["lead_time_spread"]) == (0.0, 1.5)
    assert told["B"]["safety_stock"] > told["A"]["safety_stock"]
    assert orders["B"]["quantity"] > orders["A"]["quantity"]


def test_without_a_policy_the_areas_costs_hold(area):
    area.supply("A", unit_cost="8.00")
    with area.database.write() as session:
        session.connection().exec_driver_sql("DELETE FROM planning_policies WHERE area = %s", (area.area.area,))
    area.forecasts("A")
    area.plan()
    triggers = recommendations(area)[0]["order"]["triggers"]
    assert (triggers["shortage_cost"], triggers["holding_cost"]) == ("8.00", "0.08")


def test_lines_come_as_pages_and_in_every_format(area):
    area.supply("A", "B")
    area.forecasts("A", "B")
    plan = area.plan()
    table = pa.ipc.open_stream(area("GET", "/plans/latest/lines", headers={"accept": ARROW}).content).read_all()
    assert table.num_rows == 16
    assert table.column("item").to_pylist() == ["A"] * 8 + ["B"] * 8
    assert table.column("period").to_pylist() == [week(step) for step in range(8)] * 2
    paged, cursor = [], ""
    while cursor is not None:
        page = area.ok("GET", f"/plans/{plan['id']}/lines?limit=5{cursor and f'&cursor={cursor}'}")
        paged += page["items"]
        cursor = page["next_cursor"]
    assert [line["demand"] for line in paged] == table.column("demand").to_pylist()
    assert [Decimal(line["holding_cost"]) for line in paged] == [
        Decimal(f"{cost:.2f}") for cost in table.column("holding_cost").to_pylist()
    ]
    parquet = area("GET", "/plans/latest/lines", headers={"accept": PARQUET}).content
    assert pq.read_table(io.BytesIO(parquet)) == table
    told = area("GET", "/plans/latest/lines", headers={"accept": NDJSON}).text.splitlines()
    assert [json.loads(line) for line in told] == [
        row | {"period": row["period"].isoformat()} for row in table.to_pylist()
    ]
    one = area("GET", "/plans/latest/lines?item=B", headers={"accept": "text/csv"}).text
    assert {row["item"] for row in csv.DictReader(io.StringIO(one))} == {"B"}


def test_lines_are_stored_as_they_were_computed(area):
    """COPY's binary format is written here by hand: what comes back is what went in, whatever the codes."""
    run = area.ok("POST", "/plans", json={})
    keys = [("Ärmel", "L/1"), ("item, with comma", "\u5e93"), ("x" * 200, "0")]
    random = np.random.default_rng(3)
    written = {name: random.normal(0, 10.0**power, (3, 5)) for power, name in enumerate(MEASURES)}
    with area.database.write() as session:
        copy_lines(session, UUID(run["id"]), keys, written)
    with area.database.read() as session:
        stored = [session.get_one(PlanLine, (UUID(run["id"]), item, location)) for item, location in keys]
    for name, numbers in written.items():
        assert [getattr(row, name) for row in stored] == numbers.tolist()
