"""What-ifs: stored, planned on the same sample paths, compared, and made the base."""

import json
from decimal import Decimal

import pytest

from tests.unit.planner_service.test_net_change import exported, proposed
from tests.unit.planner_service.test_orders import receipt
from tests.unit.planner_service.test_plan_run import lines, recommendations
from tests.unit.planner_service.upstream import FORECAST, arrow, demand, values, week

ITEMS = ("A", "B", "C", "D")
WHAT_IF = "01900000-0000-7000-8000-000000000002"


@pytest.fixture
def planned(area):
    area.supply(*ITEMS)
    area.forecasts(*ITEMS)
    return area.plan()


def put(area, name, *deltas, version=None, status=200):
    headers = {"If-Match": f'"{version}"'} if version else {}
    answer = area("PUT", f"/scenarios/{name}", json={"deltas": list(deltas)}, headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json()


def what_if(area, *deltas, name="s"):
    put(area, name, *deltas)
    plan = area.plan(scenario=name)
    assert plan["status"] == "succeeded", plan["error"]
    return plan


def compare(area, *names):
    return area.ok("GET", f"/scenarios/compare?ids={','.join(names)}")


def quantities(area, plan):
    found = area.ok("GET", f"/plans/{plan['id']}/recommendations")["items"]
    return {one["item"]: one["order"]["quantity"] for one in found if one["order"]}


def test_scenarios_are_kept_by_name_and_version(area):
    delta = {"kind": "demand", "item": "A", "scale": 1.5, "from": week(1).isoformat()}
    made = put(area, "more", delta)
    assert (made["scenario"], made["version"], made["changed_by"]) == ("more", 1, "person-1")
    shown = area("GET", "/scenarios/more")
    assert (shown.headers["etag"][:3], shown.json()) == ('"1-', made)
    assert shown.json()["deltas"][0]["from"] == week(1).isoformat()
    assert put(area, "more", delta) == made
    put(area, "more", status=428)
    put(area, "more", version=7, status=412)
    assert put(area, "more", version=1)["version"] == 2
    put(area, "less", delta)
    assert [one["scenario"] for one in area.ok("GET", "/scenarios")["items"]] == ["less", "more"]
    assert area("DELETE", "/scenarios/less").status_code == 428
    assert area("DELETE", "/scenarios/less", headers={"If-Match": '"9"'}).status_code == 412
    assert area("DELETE", "/scenarios/less", headers={"If-Match": '"1"'}).status_code == 204
    assert area("GET", "/scenarios/less").status_code == 404


@pytest.mark.parametrize(
    "delta",
    [
        {"kind": "demand"},
        {"kind": "demand", "scale": 1.1, "add": 2},
        {"kind": "demand", "scale": -1},
        {"kind": "demand", "scale": 1.1, "category": "c"},
        {"kind": "demand", "scale": 1.1, "from": "2026-03-09", "to": "2026-03-02"},
        {"kind": "capacity", "resource": "R", "scale": 2, "hours": 40},
        {"kind": "driver", "value": 1},
        {"kind": "lead_time", "add": 1.5},
        {"kind": "lead_time", "value": -1},
        {"kind": "cost", "cost": "freight", "scale": 2},
        {"kind": "cost", "cost": "holding", "value": "0"},
        {"kind": "supplier_outage", "source": "S", "from": "2026-03-02"},
        {"kind": "service_target", "service_level": 1},
        {"scale": 2},
    ],
)
def test_a_delta_that_makes_no_sense_is_refused(area, delta):
    put(area, "s", delta, status=422)


def test_words_are_no_names(area):
    assert put(area, "compare", status=422)["type"] == "/docs/errors#reserved-name"
    assert area("POST", "/plans", json={"scenario": "none"}).json()["type"] == "/docs/errors#unknown-scenario"
    assert area("POST", "/plans", json={"scenario": "s", "net_change": True}).status_code == 422


def test_without_deltas_it_is_the_base(area, planned):
    plan = what_if(area)
    for name in ("input_digest", "output_digest", "kpis", "counts", "method", "periods"):
        assert plan[name] == planned[name], name
    assert (plan["base"], plan["taken_over"], plan["scenario"], plan["scenario_version"]) == (planned["id"], 4, "s", 1)
    assert exported(area, plan) == exported(area, planned)
    assert proposed(area, plan) == proposed(area, planned)
    [compared] = compare(area, "s")["scenarios"]
    assert compared["difference"] == {"mean": "0.00", "p10": "0.00", "p90": "0.00"}
    assert (compared["outdated"], compared["changes"]["first"]) == ([], [])


DELTAS = [
    {"kind": "demand", "item": "A", "scale": 2},
    {"kind": "demand", "item": "A", "add": 5, "to": week(3).isoformat()},
    {"kind": "lead_time", "item": "A", "add": 1},
    {"kind": "lead_time", "item": "A", "value": 0},
    {"kind": "cost", "item": "A", "cost": "unit", "scale": 3},
    {"kind": "cost", "item": "A", "cost": "order", "value": "30.00"},
    {"kind": "cost", "item": "A", "cost": "holding", "scale": 4},
    {"kind": "cost", "item": "A", "cost": "shortage", "value": "0.50"},
    {"kind": "supplier_outage", "item": "A", "source": "S", "from": week(1).isoformat(), "to": week(2).isoformat()},
    {"kind": "service_target", "item": "A", "service_level": 0.99},
]


@pytest.mark.parametrize("delta", DELTAS, ids=lambda delta: " ".join(f"{v}" for v in delta.values()))
def test_a_plan_that_takes_the_rest_over_is_the_plan_of_all(area, planned, delta):
    """The same deltas without a plan to take over from, in an area of the same name's seeds: nothing differs."""
    quick = what_if(area, delta)
    assert quick["taken_over"] == 3
    assert quick["output_digest"] != planned["output_digest"]
    with area.database.write() as session:
        session.connection().exec_driver_sql("UPDATE plans SET tallies = NULL WHERE area = %s", (area.area.area,))
    whole = area.plan(scenario="s")
    assert (whole["base"], whole["taken_over"]) == (planned["id"], 0)
    for name in ("input_digest", "output_digest", "kpis", "counts"):
        assert quick[name] == whole[name], name
    assert exported(area, quick) == exported(area, whole)
    assert proposed(area, quick) == proposed(area, whole)


def test_what_each_delta_does(area, planned):
    base = quantities(area, planned)
    demand_of = {line["period"]: line["demand"] for line in lines(area, "A")}
    more = what_if(area, DELTAS[1])
    shown = area.ok("GET", f"/plans/{more['id']}/lines?item=A")["items"]
    added = [line["demand"] - demand_of[line["period"]] for line in shown]
    assert added == pytest.approx([5.0] * 4 + [0.0] * 4, abs=1e-4)
    found = quantities(area, what_if(area, {"kind": "service_target", "item": "B", "service_level": 0.5}, name="t"))
    assert found["B"] < base["B"]
    assert {item: found[item] for item in "ACD"} == {item: base[item] for item in "ACD"}
    [late] = [
        one
        for one in area.ok("GET", f"/plans/{what_if(area, DELTAS[2], name='u')['id']}/recommendations")["items"]
        if one["item"] == "A"
    ]
    assert late["order"]["receipt_date"] == week(3).isoformat()
    dear = area.ok("GET", f"/plans/{what_if(area, DELTAS[4], name='v')['id']}/recommendations")["items"]
    [order] = [one["order"] for one in dear if one["item"] == "A"]
    assert Decimal(order["cost_of_acting"]["purchase"]) == Decimal(str(order["quantity"])) * 12
    assert order["triggers"]["holding_cost"] == "0.12"


def test_nothing_comes_from_a_supplier_that_is_out(area, planned):
    area.ok("POST", "/scheduled-receipts", json=receipt({"item": "A", "id": None}, due=week(1).isoformat()))
    area.plan()
    at_once = {"kind": "supplier_outage", "source": "S", "from": week(0).isoformat(), "to": week(1).isoformat()}
    plan = what_if(area, at_once)
    shown = area.ok("GET", f"/plans/{plan['id']}/lines?item=A")["items"]
    assert [line["scheduled_receipts"] for line in shown[:4]] == [0.0, 0.0, 30.0, 0.0]
    for one in area.ok("GET", f"/plans/{plan['id']}/recommendations")["items"]:
        assert one["order"] is None or one["order"]["release_date"] == week(2).isoformat()
    later = {"kind": "supplier_outage", "source": "S", "from": week(1).isoformat(), "to": week(4).isoformat()}
    plan = what_if(area, later, name="later")
    released = [line["planned_releases"] for line in area.ok("GET", f"/plans/{plan['id']}/lines?item=B")["items"]]
    assert released[1:5] == [0.0] * 4
    assert quantities(area, plan)["B"] > quantities(area, planned)["B"]
    other = what_if(area, at_once | {"source": "another"}, name="other")
    assert other["taken_over"] == 4


def test_an_outage_closes_its_source_only(area):
    """B and C are ordered from their second source meanwhile; A has none, and gets nothing."""
    area.supply("A", "B", "C")
    rule = {"location": "L", "mode": "buy", "source": "T", "lead_time": 1, "unit_cost": "6.00", "priority": 9}
    area.ok("PUT", "/supply/sourcing-rules", json=[rule | {"item": item} for item in "BC"])
    area.forecasts("A", "B", "C")
    base = area.plan()
    whole = {"kind": "supplier_outage", "from": week(0).isoformat(), "to": week(7).isoformat()}
    second = what_if(area, whole | {"source": "T"})
    assert (second["taken_over"], quantities(area, second)) == (3, quantities(area, base))
    plan = what_if(area, whole | {"source": "S"}, name="first")
    assert plan["counts"] == base["counts"] | {"orders": 2}
    orders = {one["item"]: one["order"] for one in area.ok("GET", f"/plans/{plan['id']}/recommendations")["items"]}
    assert {item: order["source"] for item, order in orders.items()} == {"B": "T", "C": "T"}
    assert not any(line["planned_releases"] for line in area.ok("GET", f"/plans/{plan['id']}/lines?item=A")["items"])


def test_nobody_decides_on_what_is_only_supposed(area, planned):
    inbox = recommendations(area, "status=proposed")
    plan = what_if(area, {"kind": "demand", "scale": 2})
    assert recommendations(area, "status=proposed") == inbox
    assert area.ok("GET", "/plans/latest")["id"] == planned["id"]
    [first, *_] = area.ok("GET", f"/plans/{plan['id']}/recommendations")["items"]
    assert first["plan"] == plan["id"]
    assert area("GET", f"/recommendations/{first['id']}").status_code == 404
    decided = area(
        "POST", f"/recommendations/{first['id']}/decisions", json={"action": "accept"}, headers={"If-Match": '"1"'}
    )
    assert decided.status_code == 404
    refused = area("POST", "/scheduled-receipts", json=receipt(first))
    assert refused.json()["type"] == "/docs/errors#unknown-reference"
    assert [entry["action"] for entry in area.ok("GET", "/decisions")["items"]] == ["plan"]
    assert area.ok("POST", "/decisions:verify")["chains"][0]["intact"]


def test_plans_are_compared_with_risk_and_changes_and_the_value_of_each_delta(area, planned):
    more, dear = (
        {"kind": "demand", "item": "A", "scale": 2},
        {"kind": "cost", "item": "A", "cost": "shortage", "scale": 2},
    )
    plan = what_if(area, more, dear)
    what_if(area, more, name="more")
    what_if(area, dear, name="dear")
    found = compare(area, "s", "more", "dear")
    base, (both, first, second) = found["base"], found["scenarios"]
    assert (base["plan"], base["difference"], both["plan"]) == (planned["id"], None, plan["id"])
    for one, run in ((base, planned), (both, plan)):
        cost = run["kpis"]["plan"]["cost"]["relevant"]
        assert {name: one["cost"][name] for name in ("mean", "p10", "p90")} == {
            name: cost[name] for name in ("mean", "p10", "p90")
        }
        assert Decimal(one["cost"]["cvar90"]) >= Decimal(one["cost"]["p90"])
    alone = [Decimal(one["difference"]["mean"]) for one in (first, second)]
    values = [Decimal(value["cost"]) for value in both["values"]]
    assert all(abs(value - mean) <= Decimal("0.02") for value, mean in zip(values, alone, strict=True))
    assert [value["deltas"] for value in both["values"]] == [[0], [1]]
    whole = Decimal(both["difference"]["mean"])
    assert whole == Decimal(both["cost"]["mean"]) - Decimal(base["cost"]["mean"])
    assert Decimal(both["interaction"]) == whole - sum(values)
    assert Decimal(both["difference"]["p10"]) < whole < Decimal(both["difference"]["p90"])
    assert [(one["item"], one["type"]) for one in both["changes"]["first"]] == [("A", "buy")]
    before, after = both["changes"]["first"][0]["quantity"]
    assert (before, after) == (quantities(area, planned)["A"], quantities(area, plan)["A"])
    assert (both["changes"]["added"], both["changes"]["dropped"], both["changes"]["changed"]) == (0, 0, 1)


def test_what_is_dropped_and_added_is_told(area, planned):
    what_if(area, {"kind": "demand", "item": "A", "scale": 0})
    [found] = compare(area, "s")["scenarios"]
    told = {one["type"]: one for one in found["changes"]["first"]}
    assert (found["changes"]["dropped"], found["changes"]["added"], set(told)) == (1, 1, {"buy", "dispose"})
    dropped = told["buy"]
    assert (dropped["item"], dropped["quantity"][1], dropped["release_date"][1]) == ("A", None, None)


def test_a_comparison_says_what_is_outdated(area, planned):
    what_if(area)
    put(area, "s", {"kind": "demand", "scale": 2}, version=1)
    assert compare(area, "s")["scenarios"][0]["outdated"] == ["scenario-changed"]
    area.ok("POST", "/inventory", json={"item": "A", "location": "L", "as_of": week(0).isoformat(), "on_hand": 50})
    late = area.plan(scenario="s")
    assert {warning["code"] for warning in late["warnings"]} == {"base-outdated"}
    [found] = compare(area, "s")["scenarios"]
    assert (found["outdated"], found["values"]) == (["data-changed"], None)
    area.plan()
    assert compare(area, "s")["scenarios"][0]["outdated"] == ["base-planned-anew", "data-changed"]
    area.plan(scenario="s")
    assert compare(area, "s")["scenarios"][0]["outdated"] == []


def test_only_what_was_planned_can_be_compared(area, planned):
    assert area("GET", "/scenarios/compare?ids=none").status_code == 404
    for ids in ("", ",", "a,,b", "a%00b", ",".join(f"s{number}" for number in range(21))):
        assert area("GET", f"/scenarios/compare?ids={ids}").status_code == 422
    put(area, "s")
    assert area("GET", "/scenarios/compare?ids=s").json()["type"] == "/docs/errors#scenario-not-planned"


def promote(area, name, version=1, sequence=0):
    body, headers = {"version": version, "reason": "agreed"}, {"If-Match": f'"{sequence}"'}
    return area("POST", f"/scenarios/{name}/promotions", json=body, headers=headers)


def test_a_scenario_becomes_the_base_and_is_taken_back(area, planned):
    plan = what_if(area, {"kind": "demand", "item": "A", "scale": 2})
    assert area.ok("GET", "/scenarios/base")["sequence"] == 0
    assert promote(area, "s", sequence=3).status_code == 412
    assert promote(area, "s", version=2).status_code == 412
    promoted = promote(area, "s")
    assert (promoted.status_code, promoted.headers["etag"]) == (201, '"1"')
    assert [one["scenario"] for one in promoted.json()["stack"]] == ["s"]
    assert promote(area, "s", sequence=1).json()["type"] == "/docs/errors#already-promoted"
    put(area, "s", {"kind": "demand", "item": "A", "scale": 9}, version=1)
    base = area.plan()
    assert (base["scenario"], base["output_digest"], base["kpis"]) == (None, plan["output_digest"], plan["kpis"])
    assert area.plan(scenario="s")["output_digest"] == base["output_digest"]
    upon = what_if(area, {"kind": "lead_time", "item": "B", "add": 1}, name="upon")
    assert (upon["base"], upon["taken_over"]) == (base["id"], 3)
    assert {one["item"] for one in compare(area, "upon")["scenarios"][0]["changes"]["first"]} == {"B"}
    back = area("POST", "/scenarios/base/rollbacks", json={"reason": "no"}, headers={"If-Match": '"1"'})
    assert (back.status_code, back.json()["stack"], back.json()["action"]) == (201, [], "take_back")
    assert compare(area, "upon")["scenarios"][0]["outdated"] == ["base-changed"]
    assert area.plan()["output_digest"] == planned["output_digest"]
    again = area("POST", "/scenarios/base/rollbacks", json={"reason": "no"}, headers={"If-Match": '"2"'})
    assert again.json()["type"] == "/docs/errors#nothing-promoted"
    entries = area.ok("GET", "/decisions")["items"]
    changes = [(entry["action"], entry["subject"]) for entry in entries if "scenario" in entry["action"]]
    assert changes == [("promote_scenario", "scenarios/s"), ("take_back_scenario", "scenarios/s")]
    assert area.ok("POST", "/decisions:verify")["chains"][0]["intact"]


def forecast_anew(area, **series):
    """What the forecast service answers to a what-if."""
    made = {(item, "L"): series.get(item, (6.0, 10.0, 14.0)) for item in ITEMS}
    described = json.dumps({"id": WHAT_IF, "status": "succeeded", "model_version": 3}).encode()
    area.upstream.answers |= {
        "what-if": (202, described),
        f"forecasts/{WHAT_IF}": (200, described),
        f"forecasts/{WHAT_IF}/values": (200, arrow(values(made))),
        "demand": (200, arrow(demand({(item, "L"): 10.0 for item in ITEMS}))),
    }


def test_drivers_and_shocks_are_forecast_anew(area, planned):
    forecast_anew(area, B=(12.0, 20.0, 28.0))
    driver = {"kind": "driver", "driver": "price", "item": "B", "value": 1.5, "from": week(2).isoformat()}
    shock = {"kind": "shock", "category": "c", "scale": 1.2, "decay": 0.5}
    cheap = {"kind": "cost", "item": "C", "cost": "shortage", "scale": 0.001}
    plan = what_if(area, driver, cheap, shock)
    assert area.upstream.bodies == [
        {
            "base": str(FORECAST),
            "overlays": [
                {"driver": "price", "item": "B", "value": 1.5, "from": week(2).isoformat()},
                {"category": "c", "scale": 1.2, "decay": 0.5},
            ],
        }
    ]
    assert [one["idempotency-key"] for one in area.upstream.headers if "idempotency-key" in one] == [plan["id"]]
    assert (plan["forecast"], plan["taken_over"]) == (WHAT_IF, 2)
    [found] = compare(area, "s")["scenarios"]
    assert [value["deltas"] for value in found["values"]] == [[0, 2], [1]]
    assert abs(Decimal(found["interaction"])) <= Decimal("0.02")
    assert {one["item"] for one in found["changes"]["first"]} == {"B", "C"}


def test_a_what_if_that_the_forecast_service_refuses_says_why(area, planned):
    refusal = {
        "type": "/docs/errors#unread-driver",
        "title": "t",
        "status": 422,
        "detail": "Not read.",
        "retryable": False,
    }
    area.upstream.answers["what-if"] = (422, json.dumps(refusal).encode())
    put(area, "s", {"kind": "driver", "driver": "price", "value": 1})
    plan = area.plan(scenario="s")
    assert (plan["status"], plan["error"]["type"]) == ("failed", "/docs/errors#unread-driver")
    stopped = {"id": WHAT_IF, "status": "cancelled", "error": None}
    area.upstream.answers["what-if"] = (202, json.dumps(stopped).encode())
    assert area.plan(scenario="s")["error"]["type"] == "/docs/errors#conflict"
    failed = {"id": WHAT_IF, "status": "failed", "error": refusal}
    area.upstream.answers["what-if"] = (202, json.dumps(failed).encode())
    assert area.plan(scenario="s")["error"]["type"] == "/docs/errors#unread-driver"


def test_another_areas_scenario_does_not_exist(area, planned, client, database, upstream):
    put(area, "s")
    elsewhere = type(area)(client, area.area.__class__(**{**vars(area.area), "area": "elsewhere"}), database, upstream)
    assert elsewhere("GET", "/scenarios/s").status_code == 404
    assert elsewhere("POST", "/plans", json={"scenario": "s"}).status_code == 422
    assert promote(elsewhere, "s").status_code == 404
