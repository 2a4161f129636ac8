"""A driver's values name what its scope asks for; a definition with values keeps its scope."""

import csv
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.media import ARROW, CSV, NDJSON, PARQUET

PRICE = {"kind": "price", "known_ahead": True, "scope": "item"}


@pytest.fixture
def known(area):
    area.ok("PUT", "/items", json=[{"item": "A"}, {"item": "B"}])
    area.ok("PUT", "/locations", json={"location": "L1"})
    return area


def test_a_definition_is_replaced_and_its_version_counts_changes(known):
    first = known("PUT", "/drivers/price", json=PRICE)
    same = known("PUT", "/drivers/price", json=PRICE)
    changed = known("PUT", "/drivers/price", json=PRICE | {"description": "net of tax"})
    assert [answer.headers["etag"] for answer in (first, same, changed)] == ['"1"', '"1"', '"2"']
    assert known.ok("GET", "/drivers/price") == changed.json() == known.ok("GET", "/drivers")["items"][0]
    assert changed.json()["publication_delay"] == 1


def test_values_are_stored_once_per_item_and_period(known):
    known.ok("PUT", "/drivers/price", json=PRICE)
    rows = [{"item": item, "period": period, "value": -1.5} for item in "AB" for period in ("2024-01-01", "2024-01-08")]
    assert known.ok("POST", "/drivers/price/values", json=rows)["created"] == 4
    assert known.ok("POST", "/drivers/price/values", json=rows)["unchanged"] == 4
    found = known.ok("GET", "/drivers/price/values?item=B&from=2024-01-08")["items"]
    assert found == [{"item": "B", "location": None, "period": "2024-01-08", "value": -1.5}]


def test_values_leave_in_every_format_with_null_where_the_scope_has_no_code(known):
    known.ok("PUT", "/drivers/price", json=PRICE)
    rows = [{"item": item, "period": "2024-01-01", "value": value} for item, value in (("A", 0.1), ("B", -2))]
    known.ok("POST", "/drivers/price/values", json=rows)
    path, stored = "/drivers/price/values?from=2024-01-01", [{"location": None} | row for row in rows]
    assert known.ok("GET", path)["items"] == stored
    answers = {media: known("GET", path, headers={"accept": media}) for media in (CSV, NDJSON, PARQUET, ARROW)}
    assert [json.loads(line) for line in answers[NDJSON].text.splitlines()] == stored
    table = pa.ipc.open_stream(answers[ARROW].content).read_all()
    assert [row | {"period": row["period"].isoformat()} for row in table.to_pylist()] == stored
    assert pq.read_table(io.BytesIO(answers[PARQUET].content)) == table
    assert list(csv.reader(io.StringIO(answers[CSV].text)))[1:] == [
        ["A", "", "2024-01-01", "0.1"],
        ["B", "", "2024-01-01", "-2"],
    ]
    for media in answers:
        assert (
            known("GET", "/drivers/none/values", headers={"accept": media}).json()["type"] == "/docs/errors#not-found"
        )


def test_a_global_driver_has_one_value_per_period(known):
    known.ok("PUT", "/drivers/fair", json=PRICE | {"kind": "event", "scope": "global"})
    row = {"period": "2024-01-01", "value": 1}
    assert known.ok("POST", "/drivers/fair/values", json=row)["created"] == 1
    assert known.ok("POST", "/drivers/fair/values", json=row | {"value": 2})["updated"] == 1
    assert [value["value"] for value in known.ok("GET", "/drivers/fair/values")["items"]] == [2]


@pytest.mark.parametrize(
    ("scope", "row", "slug", "pointers"),
    [
        ("item", {}, "wrong-scope", ["#/0/item"]),
        ("item", {"item": "A", "location": "L1"}, "wrong-scope", ["#/0/location"]),
        ("global", {"item": "A", "location": "L1"}, "wrong-scope", ["#/0/item", "#/0/location"]),
        ("item-location", {"item": "A", "location": "L2"}, "unknown-reference", ["#/0/location"]),
        ("item", {"item": "A", "period": "2024-01-02"}, "off-calendar", ["#/0/period"]),
        ("item", {"item": "A", "value": None}, "invalid", ["#/0/value"]),
    ],
)
def test_a_wrong_row_stores_nothing(known, scope, row, slug, pointers):
    known.ok("PUT", "/drivers/d", json=PRICE | {"scope": scope})
    answer = known("POST", "/drivers/d/values", json=[{"period": "2024-01-01", "value": 1} | row])
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (422, f"/docs/errors#{slug}")
    assert [error["pointer"] for error in problem["errors"]] == pointers
    assert known.ok("GET", "/drivers/d/values")["items"] == []


def test_the_scope_stays_once_there_are_values(known):
    known.ok("PUT", "/drivers/price", json=PRICE)
    known.ok("PUT", "/drivers/price", json=PRICE | {"scope": "global"})
    known.ok("POST", "/drivers/price/values", json={"period": "2024-01-01", "value": 1})
    answer = known("PUT", "/drivers/price", json=PRICE)
    assert (answer.status_code, answer.json()["type"]) == (409, "/docs/errors#scope-fixed")
    assert known.ok("GET", "/drivers/price")["scope"] == "global"


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"kind": "mood"}, "#/kind"),
        ({"known_ahead": "true"}, "#/known_ahead"),
        ({"publication_delay": 0}, "#/publication_delay"),
        ({"colour": 1}, "#/colour"),
    ],
)
def test_a_wrong_definition_is_refused(known, wrong, pointer):
    answer = known("PUT", "/drivers/price", json=PRICE | wrong)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert known("GET", "/drivers/price").status_code == 404


def test_values_of_an_unknown_driver(known):
    assert known("POST", "/drivers/none/values", json=[]).status_code == 404
