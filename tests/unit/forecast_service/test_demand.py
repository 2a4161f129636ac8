"""Demand is stored once per item-location and period, all rows or none, on the area's calendar."""

import io
import json
from concurrent.futures import ThreadPoolExecutor, wait

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from services.forecast.demand.schemas import DemandIn
from services.forecast.items import references
from shared.parse import Raw
from shared.rows import Reader

MASTER = [{"item": "A"}, {"item": "B/1", "category": "food", "unit_cost": "2.50"}], [{"location": "L1"}]
ROWS = [
    {"item": "A", "location": "L1", "period": "2024-01-01", "quantity": 3},
    {"item": "A", "location": "L1", "period": "2024-01-08", "quantity": 4.5, "in_stock": False},
    {"item": "B/1", "location": "L1", "period": "2024-01-01", "quantity": 0},
]


@pytest.fixture
def known(area):
    area.ok("PUT", "/items", json=MASTER[0])
    area.ok("PUT", "/locations", json=MASTER[1])
    return area


def test_a_replayed_import_changes_nothing(known):
    first = known.ok("POST", "/demand", json=ROWS)
    again = known.ok("POST", "/demand", json=ROWS)
    other = known.ok("POST", "/demand", json=[ROWS[0] | {"quantity": 9}, *ROWS[1:]])
    assert first == {"received": 3, "created": 3, "updated": 0, "unchanged": 0}
    assert again == {"received": 3, "created": 0, "updated": 0, "unchanged": 3}
    assert other == {"received": 3, "created": 0, "updated": 1, "unchanged": 2}


def test_all_formats_tell_the_same(known):
    known.ok("POST", "/demand", json=ROWS)
    stored = [{"in_stock": True} | row for row in ROWS]
    page = known.ok("GET", "/demand?limit=2")
    rest = known.ok("GET", f"/demand?limit=2&cursor={page['next_cursor']}")
    assert page["items"] + rest["items"] == stored
    assert rest["next_cursor"] is None
    arrow = known("GET", "/demand", headers={"Accept": "application/vnd.apache.arrow.stream"})
    table = pa.ipc.open_stream(arrow.content).read_all()
    csv = pyarrow.csv.read_csv(io.BytesIO(known("GET", "/demand", headers={"Accept": "text/csv"}).content))
    assert [row | {"period": row["period"].isoformat()} for row in table.to_pylist()] == stored
    assert csv.to_pylist() == table.to_pylist()
    parquet = known("GET", "/demand", headers={"Accept": "application/vnd.apache.parquet"})
    assert pq.read_table(io.BytesIO(parquet.content)) == table
    lines = known("GET", "/demand", headers={"Accept": "application/x-ndjson"}).text.splitlines()
    assert [json.loads(line) for line in lines] == stored


def test_filters_by_item_and_period(known):
    known.ok("POST", "/demand", json=ROWS)
    of_a = known.ok("GET", "/demand?item=A&from=2024-01-02&to=2024-01-08")
    assert [row["quantity"] for row in of_a["items"]] == [4.5]


def test_csv_is_read_as_json_is(known):
    body = "item,location,period,quantity,in_stock\nA,L1,2024-01-01,3,\nA,L1,2024-01-08,4.5,false\n"
    counts = known.ok("POST", "/demand", content=body, headers={"Content-Type": "text/csv"})
    assert counts["created"] == 2
    assert [row["in_stock"] for row in known.ok("GET", "/demand")["items"]] == [True, False]


@pytest.mark.parametrize(
    ("wrong", "slug", "pointer", "says"),
    [
        ({"item": "unknown"}, "unknown-reference", "#/1/item", "is no item of this area"),
        ({"location": "unknown"}, "unknown-reference", "#/1/location", "is no location of this area"),
        ({"period": "2024-01-10"}, "off-calendar", "#/1/period", "2024-01-08"),
        ({"quantity": -1}, "invalid", "#/1/quantity", "net returns"),
        ({"quantity": "3"}, "invalid", "#/1/quantity", "must be a number"),
        ({"quantity": True}, "invalid", "#/1/quantity", "must be a number"),
        ({"period": 0}, "invalid", "#/1/period", "must be a date"),
        ({"colour": "red"}, "invalid", "#/1/colour", "Extra inputs"),
        ({"item": "A", "period": "2024-01-01"}, "invalid", "#/0", "same key"),
    ],
)
def test_one_wrong_row_stores_nothing(known, wrong, slug, pointer, says):
    answer = known("POST", "/demand", json=[ROWS[0], ROWS[2] | {"period": "2024-01-08"} | wrong])
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (422, f"/docs/errors#{slug}")
    assert [error["pointer"] for error in problem["errors"]][:1] == [pointer]
    assert says in problem["errors"][0]["detail"]
    assert known.ok("GET", "/demand")["items"] == []


def test_not_a_number_is_refused(known):
    body = '[{"item": "A", "location": "L1", "period": "2024-01-01", "quantity": NaN}]'
    answer = known("POST", "/demand", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert known.ok("GET", "/demand")["items"] == []


def test_areas_do_not_see_each_other(known, client):
    other = type(known)(client, type(known.area)(**{**vars(known.area), "area": "elsewhere"}))
    known.ok("POST", "/demand", json=ROWS)
    assert other.ok("GET", "/demand")["items"] == []
    assert other("POST", "/demand", json=ROWS).json()["type"] == "/docs/errors#unknown-reference"


def test_an_item_with_demand_stays(known):
    known.ok("POST", "/demand", json=ROWS[:1])
    kept = known("DELETE", "/items?item=A")
    assert (kept.status_code, kept.json()["type"]) == (409, "/docs/errors#in-use")
    assert known("DELETE", "/items?item=B%2F1").status_code == 204
    assert known("DELETE", "/items?item=B%2F1").status_code == 404
    assert [item["item"] for item in known.ok("GET", "/items")["items"]] == ["A"]


def test_items_are_replaced_by_code(known):
    counts = known.ok("PUT", "/items", json=[{"item": "A"}, {"item": "B/1", "unit_cost": "2.5", "category": "food"}])
    assert counts == {"received": 2, "created": 0, "updated": 0, "unchanged": 2}
    counts = known.ok("PUT", "/items", json={"item": "B/1", "shelf_life_days": 7})
    assert counts == {"received": 1, "created": 0, "updated": 1, "unchanged": 0}
    assert known.ok("GET", "/items?item=B%2F1")["items"] == [
        {
            "item": "B/1",
            "description": None,
            "category": None,
            "uom": "unit",
            "unit_cost": None,
            "unit_price": None,
            "shelf_life_days": 7,
        }
    ]


def test_an_item_cannot_vanish_between_the_look_for_it_and_the_storing_of_its_rows(known, database):
    with ThreadPoolExecutor(1) as thread:
        with database.write() as session:
            rows, _ = Reader(DemandIn, cells=False).read(Raw([0], {name: [cell] for name, cell in ROWS[0].items()}, []))
            assert references.unknown(session, known.area.area, rows).faults == []
            deletion = thread.submit(known, "DELETE", "/items?item=A")
            assert not wait([deletion], timeout=0.3).done
        assert deletion.result(10).status_code == 204


def test_whole_tables_beyond_what_a_process_sends_at_a_time_are_refused_and_leave_the_pages_alone(known, client):
    known.ok("POST", "/demand", json=ROWS)
    exports, held = client.app.state.database.exports, 0
    try:
        while exports.acquire(blocking=False):
            held += 1
        answer = known("GET", "/demand", headers={"Accept": "text/csv"})
        assert (answer.status_code, answer.json()["type"]) == (503, "/docs/errors#too-many-exports")
        assert answer.json()["retryable"]
        assert len(known.ok("GET", "/demand")["items"]) == 3
    finally:
        exports.release(held)
    for _ in range(held + 1):  # each gives its place back
        assert known("GET", "/demand", headers={"Accept": "text/csv"}).status_code == 200
