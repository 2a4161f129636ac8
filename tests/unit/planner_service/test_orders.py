"""From a decision to the ERP's order."""

import csv
import datetime
import io
import json
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.media import ARROW, NDJSON, PARQUET
from tests.unit.planner_service.test_recommendations import decide


@pytest.fixture
def decided(area, inbox):
    """A accepted, B overridden to 40 a week later, C left open."""
    first, second, third = inbox
    assert decide(area, first, {"action": "accept"}, by="ann").status_code == 201
    wish = {"action": "override", "quantity": 40, "due": "2026-03-30", "reason_code": "PROMOTION", "note": "flyer"}
    assert decide(area, second, wish, by="bob").status_code == 201
    return first, second, third


def receipt(recommendation, reference="PO-1", **changes):
    named = {"reference": reference, "item": recommendation["item"], "location": "L", "due": "2026-03-16"}
    return named | {"quantity": 30, "recommendation_id": recommendation["id"]} | changes


def to_release(area):
    return [order["item"] for order in area.ok("GET", "/orders?status=to_release")["items"]]


def test_decided_orders_wait_for_the_erp(area, decided):
    first, second, _ = decided
    accepted, overridden = area.ok("GET", "/orders?status=to_release")["items"]
    shown = area.ok("GET", f"/recommendations/{first['id']}")
    assert accepted == {
        "recommendation": first["id"],
        "plan": first["plan"],
        "type": "buy",
        "item": first["item"],
        "location": "L",
        "source": "S",
        "quantity": first["order"]["quantity"],
        "release_date": first["order"]["release_date"],
        "due": first["order"]["receipt_date"],
        "decided_by": "ann",
        "decided_at": shown["decisions"][0]["at"],
    }
    assert (overridden["recommendation"], overridden["quantity"], overridden["due"], overridden["decided_by"]) == (
        second["id"],
        40.0,
        "2026-03-30",
        "bob",
    )
    assert area.ok("GET", f"/plans/{first['plan']}/orders") == area.ok("GET", "/orders")
    assert area("GET", "/orders?status=released").status_code == 422


@pytest.mark.parametrize(
    ("due", "release_date"),
    [("2026-03-30", "2026-03-16"), ("2026-03-18", "2026-03-04"), ("2026-03-09", "2026-03-02")],
)
def test_a_due_date_moves_the_release_by_the_same_lead_time(area, inbox, due, release_date):
    """Two weeks ahead of what is due, but not before the plan begins."""
    decide(area, inbox[0], {"action": "override", "due": due, "reason_code": "SUPPLIER_INFO"})
    [order] = area.ok("GET", "/orders")["items"]
    assert (order["due"], order["release_date"]) == (due, release_date)


def test_orders_come_as_csv(area, decided):
    answer = area("GET", "/orders?status=to_release", headers={"accept": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["recommendation"], float(row["quantity"]), row["due"]) for row in rows] == [
        (decided[0]["id"], decided[0]["order"]["quantity"], decided[0]["order"]["receipt_date"]),
        (decided[1]["id"], 40.0, "2026-03-30"),
    ]
    assert [row["release_date"] for row in rows] == ["2026-03-02", "2026-03-16"]
    plan = area("GET", "/plans/latest/orders", headers={"accept": "text/csv"})
    assert plan.text == answer.text
    assert area("GET", "/orders", headers={"accept": "image/png"}).status_code == 406


def test_orders_come_in_every_format(area, decided):
    listed = area.ok("GET", "/orders")["items"]
    lines = area("GET", "/orders", headers={"accept": NDJSON}).text.splitlines()
    assert [instant(json.loads(line)) for line in lines] == [instant(order) for order in listed]
    table = pa.ipc.open_stream(area("GET", "/plans/latest/orders", headers={"accept": ARROW}).content).read_all()
    assert table["recommendation"].to_pylist() == [one["id"] for one in decided[:2]]
    assert [at.isoformat() for at in table["decided_at"].to_pylist()] == [instant(one)["decided_at"] for one in listed]
    assert pq.read_table(io.BytesIO(area("GET", "/orders", headers={"accept": PARQUET}).content)) == table


def instant(order):
    return order | {"decided_at": datetime.datetime.fromisoformat(order["decided_at"]).isoformat()}


def test_orders_are_paged(area, decided):
    first = area.ok("GET", "/orders?limit=1")
    second = area.ok("GET", f"/orders?limit=1&cursor={first['next_cursor']}")
    assert [page["items"][0]["recommendation"] for page in (first, second)] == [one["id"] for one in decided[:2]]
    assert second["next_cursor"] is None


def test_an_order_that_the_erp_carries_out_is_released(area, decided):
    first = decided[0]
    counts = area.ok("POST", "/scheduled-receipts", json=receipt(first))
    assert counts == {"received": 1, "created": 1, "updated": 0, "unchanged": 0}
    shown = area.ok("GET", f"/recommendations/{first['id']}")
    assert (shown["status"], shown["version"]) == ("released", 3)
    assert shown["decided"]["quantity"] == first["order"]["quantity"]
    assert to_release(area) == [decided[1]["item"]]
    late = decide(area, first, {"action": "revert"}, version=3)
    assert (late.status_code, late.json()["type"]) == (409, "/docs/errors#illegal-move")


def test_a_replayed_receipt_releases_once(area, decided):
    area.ok("POST", "/scheduled-receipts", json=receipt(decided[0]))
    again = area.ok("POST", "/scheduled-receipts", json=receipt(decided[0]))
    split = area.ok("POST", "/scheduled-receipts", json=receipt(decided[0], "PO-2"))
    assert (again["unchanged"], split["created"]) == (1, 1)
    entries = area.ok("GET", "/decisions")["items"]
    assert [entry["action"] for entry in entries] == ["plan", "accept", "override", "release"]


def test_two_rows_of_one_body_may_carry_one_order(area, decided):
    halves = [receipt(decided[0], "PO-1", quantity=15), receipt(decided[0], "PO-2", quantity=15)]
    assert area.ok("POST", "/scheduled-receipts", json=halves)["created"] == 2
    assert to_release(area) == [decided[1]["item"]]


@pytest.mark.parametrize("named", ["nobody", "open"])
def test_a_receipt_for_what_nobody_decided_is_refused_whole(area, decided, named):
    wrong = (
        receipt(decided[2], "PO-9") if named == "open" else receipt(decided[2], "PO-9", recommendation_id=str(uuid4()))
    )
    answer = area("POST", "/scheduled-receipts", json=[receipt(decided[0]), wrong])
    expected = (409, "/docs/errors#illegal-move") if named == "open" else (422, "/docs/errors#unknown-reference")
    assert (answer.status_code, answer.json()["type"]) == expected
    if named == "nobody":
        assert [error["pointer"] for error in answer.json()["errors"]] == ["#/1/recommendation_id"]
    assert area.ok("GET", "/scheduled-receipts")["items"] == []
    assert len(to_release(area)) == 2
    assert len(area.ok("GET", "/decisions")["items"]) == 3


@pytest.mark.parametrize("change", [{"item": "Z"}, {"location": "M"}])
def test_a_receipt_of_other_goods_releases_nothing(area, decided, change):
    answer = area("POST", "/scheduled-receipts", json=[receipt(decided[0]), receipt(decided[1], "PO-2", **change)])
    assert (answer.status_code, answer.json()["type"]) == (422, "/docs/errors#unknown-reference")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["#/1/recommendation_id"]
    assert len(to_release(area)) == 2


def test_data_to_mend_are_no_order_to_carry_out(area):
    area.supply("A")
    area.forecasts("A", "D")
    area.plan()
    [fix] = area.ok("GET", "/recommendations?type=data_fix")["items"]
    decide(area, fix, {"action": "accept"})
    answer = area("POST", "/scheduled-receipts", json=receipt(fix))
    assert (answer.status_code, answer.json()["type"]) == (422, "/docs/errors#unknown-reference")
    assert area.ok("GET", f"/recommendations/{fix['id']}")["status"] == "accepted"
