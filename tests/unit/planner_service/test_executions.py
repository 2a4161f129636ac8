"""The ERP tells how far it is with an order: status, what a plan still counts on, and the ledger."""

import pytest

from tests.unit.planner_service.test_orders import decided, receipt, to_release  # noqa: F401  a fixture
from tests.unit.planner_service.test_plan_run import lines
from tests.unit.planner_service.test_recommendations import decide
from tests.unit.planner_service.upstream import week

CAME = {"received_quantity": 10, "received_on": "2026-03-10"}
ALL = {"received_quantity": 30, "received_on": "2026-03-17"}


def tell(area, recommendation, status, reference="PO-1", **fields):
    body = {"reference": reference, "status": status} | fields
    return area("POST", f"/recommendations/{recommendation['id']}/execution", json=body, by="erp")


def entries(area):
    return [entry["action"] for entry in area.ok("GET", "/decisions?after=3")["items"]]


def intact(area):
    return area.ok("POST", "/decisions:verify")["chains"][0]["intact"]


def test_an_order_goes_from_release_to_receipt(area, decided):  # noqa: F811
    first = decided[0]
    released = tell(area, first, "released", quantity=30, due="2026-03-16")
    assert released.status_code == 200
    assert released.json() == {
        "recommendation": first["id"],
        "status": "released",
        "version": 3,
        "executions": [
            {
                "reference": "PO-1",
                "status": "released",
                "quantity": 30.0,
                "due": "2026-03-16",
                "received_quantity": None,
                "received_on": None,
                "sequence": 4,
            }
        ],
    }
    assert to_release(area) == [decided[1]["item"]]
    partial = tell(area, first, "partially_received", **CAME).json()
    assert (partial["status"], partial["version"]) == ("partially_executed", 4)
    done = tell(area, first, "received", **ALL).json()
    assert (done["status"], done["version"]) == ("executed", 5)
    shown = area.ok("GET", f"/recommendations/{first['id']}")
    assert (shown["status"], shown["executions"]) == ("executed", done["executions"])
    assert (done["executions"][0]["quantity"], done["executions"][0]["received_quantity"]) == (30.0, 30.0)
    assert entries(area) == ["release", "receive", "complete"]
    assert intact(area)


def test_what_was_not_said_is_as_it_was_decided(area, decided):  # noqa: F811
    [order] = tell(area, decided[1], "released").json()["executions"]
    assert (order["quantity"], order["due"]) == (40.0, "2026-03-30")


def test_a_report_that_comes_again_changes_nothing_even_late(area, decided):  # noqa: F811
    first = decided[0]
    tell(area, first, "released", quantity=30)
    done = tell(area, first, "received", **ALL).json()
    for again in (tell(area, first, "released", quantity=30), tell(area, first, "received", **ALL)):
        assert (again.status_code, again.json()) == (200, done)
    assert entries(area) == ["release", "complete"]


def test_a_receipt_whose_release_was_not_told_is_two_entries(area, decided):  # noqa: F811
    done = tell(area, decided[0], "received", **ALL).json()
    assert (done["status"], done["version"]) == ("executed", 4)
    assert entries(area) == ["release", "complete"]
    assert intact(area)


def test_a_failed_order_is_open_again(area, decided):  # noqa: F811
    tell(area, decided[0], "released")
    failed = tell(area, decided[0], "failed", note="supplier is closed").json()
    assert (failed["status"], failed["executions"][0]["status"]) == ("proposed", "failed")
    assert decide(area, decided[0], {"action": "accept"}, version=4).status_code == 201
    assert tell(area, decided[0], "released", "PO-2").json()["status"] == "released"
    assert tell(area, decided[0], "received", "PO-2", **ALL).json()["status"] == "executed"
    assert intact(area)


def test_a_split_order_is_executed_when_all_of_it_is(area, decided):  # noqa: F811
    first = decided[0]
    for reference in ("PO-1", "PO-2"):
        tell(area, first, "released", reference, quantity=15)
    assert tell(area, first, "received", "PO-1", **CAME).json()["status"] == "partially_executed"
    done = tell(area, first, "received", "PO-2", **CAME).json()
    assert (done["status"], [one["reference"] for one in done["executions"]]) == ("executed", ["PO-1", "PO-2"])
    assert entries(area) == ["release", "report", "receive", "complete"]
    assert intact(area)


@pytest.mark.parametrize(
    ("before", "status", "fields"),
    [
        ([("partially_received", CAME)], "released", {}),
        ([("partially_received", CAME)], "failed", {}),
        ([("received", ALL)], "partially_received", CAME),
        ([("received", ALL)], "failed", {}),
        ([("failed", {})], "released", {}),
    ],
)
def test_an_order_does_not_go_back(area, decided, before, status, fields):  # noqa: F811
    for told, said in before:
        assert tell(area, decided[0], told, **said).status_code == 200
    refused = tell(area, decided[0], status, **fields)
    assert (refused.status_code, refused.json()["type"]) == (409, "/docs/errors#illegal-move")
    assert intact(area)


def test_what_nobody_decided_is_not_carried_out(area, decided):  # noqa: F811
    refused = tell(area, decided[2], "released")
    assert (refused.status_code, refused.json()["type"]) == (409, "/docs/errors#illegal-move")
    assert area.ok("GET", f"/recommendations/{decided[2]['id']}")["executions"] == []


@pytest.mark.parametrize(
    ("status", "fields", "pointers"),
    [
        ("received", {}, ["#/received_quantity", "#/received_on"]),
        ("partially_received", {"received_quantity": 5}, ["#/received_on"]),
        ("released", {"received_quantity": 5}, ["#/received_quantity"]),
        ("failed", {"received_on": "2026-03-10"}, ["#/received_on"]),
        ("received", {"received_quantity": 5, "received_on": "2199-01-01"}, ["#/received_on"]),
        ("received", {"received_quantity": 0, "received_on": "2026-03-10"}, ["#/received_quantity"]),
        ("lost", {}, ["#/status"]),
        ("released", {"quantity": -1}, ["#/quantity"]),
        ("released", {"reference": " "}, ["#/reference"]),
    ],
)
def test_a_report_that_does_not_hold_is_refused(area, decided, status, fields, pointers):  # noqa: F811
    answer = tell(area, decided[0], status, **fields)
    assert (answer.status_code, [error["pointer"] for error in answer.json()["errors"]]) == (422, pointers)
    assert entries(area) == []


def test_scheduled_receipts_and_reports_go_together(area, decided):  # noqa: F811
    first = decided[0]
    area.ok("POST", "/scheduled-receipts", json=receipt(first))
    assert tell(area, first, "released", quantity=30).json()["status"] == "released"
    assert tell(area, first, "received", **ALL).json()["status"] == "executed"
    assert area.ok("POST", "/scheduled-receipts", json=receipt(first))["unchanged"] == 1
    assert area.ok("GET", f"/recommendations/{first['id']}")["status"] == "executed"
    assert intact(area)


def scheduled(area):
    area.plan()
    return {
        number: one["scheduled_receipts"] for number, one in enumerate(lines(area, "A")) if one["scheduled_receipts"]
    }


def test_a_plan_counts_on_what_is_still_to_come(area):
    area.supply("A")
    area.forecasts("A")
    area.plan()
    [order] = area.ok("GET", "/recommendations")["items"]
    wish = {"action": "override", "quantity": 85, "due": week(2).isoformat(), "reason_code": "PROMOTION"}
    decide(area, order, wish)
    assert scheduled(area) == {2: 85.0}
    tell(area, order, "released", quantity=80, due=week(3).isoformat())
    assert scheduled(area) == {3: 80.0}
    tell(area, order, "partially_received", **CAME)
    assert scheduled(area) == {3: 70.0}
    area.ok("POST", "/scheduled-receipts", json=receipt(order, quantity=65, due=week(4).isoformat()))
    assert scheduled(area) == {4: 65.0}
    tell(area, order, "received", received_quantity=80, received_on="2026-03-20")
    assert scheduled(area) == {4: 65.0}
    area.ok("DELETE", "/scheduled-receipts?reference=PO-1")
    assert scheduled(area) == {}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE executions SET received_quantity = 31 WHERE area = %s",
        "UPDATE executions SET status = 'released' WHERE area = %s",
        "DELETE FROM executions WHERE area = %s",
        "INSERT INTO executions SELECT recommendation_id, 'x', area, status, quantity, due, NULL, NULL, sequence"
        " FROM executions WHERE area = %s",
    ],
)
def test_orders_that_were_changed_past_the_ledger_are_found(area, decided, server, statement):  # noqa: F811
    tell(area, decided[0], "received", **ALL)
    with server.connect("planner", "owner") as owner:
        assert owner.execute(statement, (area.area.area,)).rowcount == 1
    assert not intact(area)


def test_another_areas_order_does_not_exist(area, decided, client, database, upstream):  # noqa: F811
    elsewhere = type(area)(client, type(area.area)(**vars(area.area) | {"area": "west"}), database, upstream)
    assert tell(elsewhere, decided[0], "released").status_code == 404
