"""A plan of an area that tells of several sources, processes, resources and customers' orders."""

import pytest

from tests.unit.planner_service.test_orders import receipt
from tests.unit.planner_service.test_plan_run import faults, lines, recommendations, warnings
from tests.unit.planner_service.upstream import MONDAY, arrow, demand, values, week
from tests.unit.planner_service.upstream import items as described

RULE = {"location": "L", "mode": "buy", "source": "S", "lead_time": 2, "unit_cost": "4.00"}


def stock(area, item, quantity=10, location="L"):
    row = {"item": item, "location": location, "as_of": MONDAY.isoformat(), "on_hand": quantity}
    area.ok("POST", "/inventory", json=row)


def rules(area, *rows):
    area.ok("PUT", "/supply/sourcing-rules", json=[RULE | row for row in rows])


def make(area, item, process=None, **rule):
    """`item` is made by a process of its own."""
    process = process or f"make {item}"
    area.ok("PUT", "/supply/processes", json={"process": process, "item": item, "location": "L"})
    rules(area, {"item": item, "mode": "make", "source": process} | rule)


def component(area, process, item, **line):
    row = {"process": process, "component": item, "quantity_per": 2} | line
    area.ok("PUT", "/supply/process-components", json=row)


def load(area, process, resource):
    row = {"process": process, "resource": resource, "hours_per_unit": 0.5}
    area.ok("PUT", "/supply/process-loads", json=row)


def units(area, **items):
    told = {item: {"uom": uom} for item, uom in items.items()}
    area.upstream.answers["items"] = (200, arrow(described(**told)))


def certain(area, *codes, quantity=10.0):
    """A forecast without doubt: `quantity` a week of each item in L."""
    known = {(code, "L"): (quantity,) * 3 for code in codes}
    area.upstream.forecasts(values(known), demand(dict.fromkeys(known, quantity)))


def order(reference, quantity, due, item="A", **row):
    return {"reference": reference, "item": item, "location": "L", "quantity": quantity, "due": due.isoformat()} | row


def test_customers_orders_consume_the_forecast_of_their_period(area):
    """G27: gross 350 a period, orders of 130, 100 and 80 leave 220, 250 and 270."""
    area.supply("A")
    certain(area, "A", quantity=350.0)
    ordered = [order("1", 100, week(0)), order("2", 30, week(0).replace(day=5)), order("3", 100, week(1))]
    ordered += [order("4", 80, week(2)), order("5", 400, week(3))]
    area.ok("POST", "/open-orders", json=ordered)
    area.plan()
    found = lines(area, "A")[:5]
    assert [line["net_forecast"] for line in found] == [220.0, 250.0, 270.0, 0.0, 350.0]
    assert [line["open_orders"] for line in found] == [130.0, 100.0, 80.0, 400.0, 0.0]
    assert [line["demand"] for line in found] == [350.0, 350.0, 350.0, 400.0, 350.0]


def test_overdue_orders_are_wanted_besides_the_forecast_and_shipped_ones_no_more(area):
    area.supply("A")
    certain(area, "A")
    before, after = week(-1).isoformat(), week(1).isoformat()
    ordered = [
        order("late", 7, week(-2)),
        order("part", 9, week(-1), shipped_quantity=6, shipped=before),
        order("done", 5, week(0), shipped_quantity=5, shipped=before),
        order("later", 4, week(0), shipped_quantity=4, shipped=after),
    ]
    area.ok("POST", "/open-orders", json=ordered)
    plan = area.plan()
    first, second, *_ = lines(area, "A")
    assert (first["open_orders"], first["net_forecast"], first["demand"]) == (14.0, 6.0, 20.0)
    assert (second["open_orders"], second["demand"]) == (0.0, 10.0)
    assert warnings(plan) == {"overdue-open-orders": 2}


def test_uncertain_demand_is_at_least_what_is_ordered(area):
    area.supply("A")
    area.forecasts("A")
    area.ok("POST", "/open-orders", json=order("1", 12, week(0)))
    area.plan()
    first, second, *_ = lines(area, "A")
    assert first["open_orders"] == 12.0
    assert first["demand"] == pytest.approx(first["open_orders"] + first["net_forecast"], rel=1e-5)
    assert 12.1 < first["demand"] < 13.5
    assert second["demand"] == pytest.approx(10.0, rel=1e-5)


def test_what_is_made_to_order_needs_no_forecast(area):
    area.supply("A", "B")
    area.forecasts("A")
    area.ok("POST", "/open-orders", json=order("1", 40, week(2), item="B"))
    plan = area.plan()
    assert plan["counts"] == {"item_locations": 2, "planned": 2, "orders": 2, "data_fixes": 0}
    assert [line["demand"] for line in lines(area, "B")] == [0.0, 0.0, 40.0, 0.0, 0.0, 0.0, 0.0, 0.0]


def test_the_source_of_lowest_priority_number_and_then_price_is_ordered_from(area):
    area.supply("A", "B")
    rules(area, {"item": "A", "source": "cheap", "unit_cost": "3.00"}, {"item": "A", "source": "dear"})
    rules(area, {"item": "B", "source": "cheap", "unit_cost": "3.00", "priority": 2})
    area.forecasts("A", "B")
    area.plan()
    assert {one["item"]: one["order"]["source"] for one in recommendations(area)} == {"A": "cheap", "B": "S"}


def test_a_price_holds_from_its_date(area):
    area.supply("A")
    newer = {"effective_from": week(0).isoformat(), "effective_to": week(1).isoformat(), "unit_cost": "5.00"}
    rules(area, {"item": "A", "moq": 10, "multiple": 5} | newer)
    area.forecasts("A")
    area.plan()
    [recommended] = recommendations(area)
    proposed = recommended["order"]
    assert float(proposed["cost_of_acting"]["purchase"]) == 5 * proposed["quantity"]
    area.plan(as_of=week(1).isoformat())
    proposed = recommendations(area, "status=proposed")[0]["order"]
    assert float(proposed["cost_of_acting"]["purchase"]) == 4 * proposed["quantity"]


def test_a_rule_that_begins_later_is_released_from_when_it_begins(area):
    stock(area, "A", 45)
    rules(area, {"item": "A", "effective_from": week(3).isoformat()})
    area.ok("PUT", "/supply/planning-policies", json={"shortage_cost": "6.00"})
    certain(area, "A")
    area.plan()
    proposed = recommendations(area)[0]["order"]
    assert (proposed["release_date"], proposed["receipt_date"]) == (week(3).isoformat(), week(5).isoformat())


def test_nothing_is_released_inside_the_frozen_fence(area):
    area.supply("A")
    area.ok("PUT", "/supply/planning-policies", json={"shortage_cost": "6.00", "frozen_fence": 3})
    certain(area, "A")
    area.plan()
    assert recommendations(area)[0]["order"]["release_date"] == week(3).isoformat()
    assert [line["planned_releases"] > 0 for line in lines(area, "A")][:4] == [False, False, False, True]


def test_a_component_without_forecast_is_looked_at(area):
    area.supply("A")
    make(area, "A")
    area("DELETE", "/supply/sourcing-rules?item=A&location=L&mode=buy")
    component(area, "make A", "B")
    stock(area, "B")
    rules(area, {"item": "B"})
    area.forecasts("A")
    plan = area.plan()
    assert faults(area) == {}
    assert (plan["counts"]["item_locations"], plan["counts"]["planned"]) == (2, 2)


BAD = {
    "cycle": lambda area: [
        stock(area, "mate"),
        make(area, "cycle"),
        make(area, "mate"),
        component(area, "make cycle", "mate"),
        component(area, "make mate", "cycle"),
    ],
    "sourceless": lambda area: stock(area, "sourceless"),
    "stockless source": lambda area: rules(area, {"item": "stockless source", "mode": "transfer", "source": "DC"}),
    "processless": lambda area: rules(area, {"item": "processless", "mode": "make", "source": "nobody's"}),
    "stolen": lambda area: rules(area, {"item": "stolen", "mode": "make", "source": "make good"}),
    "idle": lambda area: [
        area.ok("PUT", "/supply/resources", json={"resource": "idle line", "hours": 0}),
        make(area, "idle"),
        load(area, "make idle", "idle line"),
    ],
    "resourceless": lambda area: [make(area, "resourceless"), load(area, "make resourceless", "unheard-of line")],
    "kilos": lambda area: [make(area, "kilos"), component(area, "make kilos", "part", uom="kg")],
    "late": lambda area: rules(area, {"item": "late", "lead_time": 8}),
    "past": lambda area: rules(area, {"item": "past", "effective_to": week(0).isoformat()}),
    "parent": lambda area: [make(area, "parent"), component(area, "make parent", "sourceless")],
}
NAMED = {
    ("cycle", "L"): ("bom-cycle", "supply/process-components", {"process": "make cycle", "component": "mate"}),
    ("mate", "L"): ("bom-cycle", "supply/process-components", {"process": "make mate", "component": "cycle"}),
    ("sourceless", "L"): ("no-sourcing-rule", "supply/sourcing-rules", {"item": "sourceless", "location": "L"}),
    ("stockless source", "L"): ("no-source-stock", "supply/sourcing-rules", {"source": "DC"}),
    ("processless", "L"): ("unknown-process", "supply/sourcing-rules", {"source": "nobody's"}),
    ("stolen", "L"): ("other-process", "supply/processes", {"process": "make good"}),
    ("idle", "L"): ("no-capacity", "supply/process-loads", {"process": "make idle", "resource": "idle line"}),
    ("resourceless", "L"): ("unknown-resource", "supply/process-loads", {"resource": "unheard-of line"}),
    ("kilos", "L"): ("unit-mismatch", "supply/process-components", {"process": "make kilos", "component": "part"}),
    ("late", "L"): ("beyond-horizon", "supply/sourcing-rules", {"item": "late"}),
    ("past", "L"): ("no-rule-in-effect", "supply/sourcing-rules", {"item": "past"}),
    ("parent", "L"): ("source-not-planned", "supply/sourcing-rules", {"item": "parent", "source": "make parent"}),
}


def test_bad_data_of_each_kind_are_named_and_all_else_is_planned(area):
    good = ["good", "part", "plain"]
    area.supply("plain")
    for item in ("good", "part", *BAD):
        stock(area, item)
    stock(area, "part", 60)
    rules(area, {"item": "part"})
    make(area, "good")
    component(area, "make good", "part", uom="piece")
    area.ok("PUT", "/supply/resources", json={"resource": "line", "hours": 40})
    load(area, "make good", "line")
    for spoil in BAD.values():
        spoil(area)
    units(area, part="piece")
    area.forecasts("good", "part", "plain", *BAD)
    plan = area.plan()
    told = {
        (one["item"], one["location"]): one["faults"] for one in recommendations(area, "type=data_fix&status=proposed")
    }
    assert told.keys() == NAMED.keys()
    for key, (code, table, record) in NAMED.items():
        [fault] = told[key]
        assert (fault["code"], fault["record"]["table"]) == (code, table)
        assert record.items() <= fault["record"]["key"].items()
    assert plan["counts"]["planned"] == len(good)
    assert {one["item"] for one in recommendations(area) if one["order"]} == set(good)


def test_a_bad_rule_beside_a_good_one_is_told_and_the_good_one_planned_with(area):
    area.supply("A")
    make(area, "other")
    rules(area, {"item": "A", "mode": "make", "source": "nobody's", "unit_cost": "1.00"})
    area.forecasts("A")
    area.plan()
    assert faults(area)["A", "L"] == ["unknown-process"]
    assert [one["order"]["source"] for one in recommendations(area, "item=A") if one["order"]] == ["S"]


def test_what_leads_to_a_missing_source_of_supply_is_told_at_every_step(area):
    """top <- middle <- bottom, and nothing says how bottom is supplied."""
    for item in ("top", "middle", "bottom"):
        stock(area, item)
    make(area, "top")
    make(area, "middle")
    component(area, "make top", "middle")
    component(area, "make middle", "bottom")
    area.forecasts("top")
    assert area.plan()["counts"]["planned"] == 0
    assert faults(area) == {
        ("bottom", "L"): ["no-sourcing-rule"],
        ("middle", "L"): ["source-not-planned"],
        ("top", "L"): ["source-not-planned"],
    }


def test_orders_under_way_of_what_is_only_used_are_no_stranger(area):
    area.supply("A", "B")
    make(area, "A", priority=2)
    component(area, "make A", "B")
    area.ok("POST", "/scheduled-receipts", json=receipt({"item": "B", "id": None}))
    area.forecasts("A")
    area.plan()
    assert faults(area) == {}
    assert lines(area, "B")[2]["scheduled_receipts"] == 30.0
