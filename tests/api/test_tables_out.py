"""Whole tables through the gateway: every format, the data that a run has read, and refusals that are problems."""

import csv
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.media import ARROW, CSV, NDJSON, PARQUET
from tests.factories import load_history


@pytest.fixture(scope="module")
def area(accord):
    area = accord.area()
    load_history(area, weeks=70)
    return area


def get(area, path, accept):
    answer = area.as_("viewer").get(path, headers={"Accept": accept})
    assert answer.status_code == 200, answer.text
    return answer


def test_demand_leaves_in_every_format(area):
    table = pa.ipc.open_stream(get(area, "/demand", ARROW).content).read_all()
    rows = [row | {"period": row["period"].isoformat()} for row in table.to_pylist()]
    assert (len(rows), rows[0]["item"], rows[-1]["item"]) == (210, "A", "C")
    assert pq.read_table(io.BytesIO(get(area, "/demand", PARQUET).content)) == table
    assert [json.loads(line) for line in get(area, "/demand", NDJSON).text.splitlines()] == rows
    found = csv.DictReader(io.StringIO(get(area, "/demand", CSV).text))
    assert [float(row["quantity"]) for row in found] == [row["quantity"] for row in rows]
    assert get(area, "/demand?limit=1", "text/csv;q=0.1, application/json").json()["items"] == rows[:1]


@pytest.mark.parametrize("path", ["/demand", "/items", "/orders", "/forecasts/latest/values", "/plans/latest/lines"])
def test_a_refusal_is_a_problem(area, path):
    caller = area.as_("admin")
    answer = caller.get(path, headers={"Accept": "application/pdf"})
    assert (answer.status_code, answer.json()["type"]) == (406, "/docs/errors#not-acceptable")
    answer = caller.head(path, headers={"Accept": ARROW})
    assert (answer.status_code, answer.headers["content-type"]) == (405, "application/problem+json")
    if "latest" in path:
        answer = caller.get(path, headers={"Accept": PARQUET})
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_what_a_training_has_read_can_be_looked_at(area):
    run = area.succeed(area.as_("mlops").post("/training-runs", json={"reason": "first"}))
    version = area.as_("viewer").get(f"/models/versions/{run['model_version']}").json()
    shown = get(area, f"/datasets/{version['dataset_digest']}", "*/*").json()
    assert (shown["versions"], shown["training_runs"]) == ([run["model_version"]], [run["id"]])
    assert {one["table"]: one["rows"] for one in shown["tables"]} == {
        "demand": 210,
        "items": 3,
        "locations": 1,
        "drivers": 0,
        "driver_values": 0,
    }
    path = f"/datasets/{version['dataset_digest']}/tables/demand"
    kept = pa.ipc.open_stream(get(area, path, "*/*").content).read_all()
    sent = pa.ipc.open_stream(get(area, "/demand", ARROW).content).read_all()
    order = [(name, "ascending") for name in ("item", "location", "period")]
    assert kept.sort_by(order).to_pylist() == sent.sort_by(order).to_pylist()
    assert len(get(area, path, NDJSON).text.splitlines()) == 210
    assert area.as_("viewer").get("/datasets/" + "0" * 64).status_code == 404


def test_items_leave_as_they_came(area):
    area.as_("admin").put("/items", json={"item": "Z", "uom": "kg", "unit_price": "9.50", "shelf_life_days": 30})
    table = pa.ipc.open_stream(get(area, "/items?item=Z", ARROW).content).read_all()
    told = {"item": "Z", "uom": "kg", "unit_price": 9.5, "shelf_life_days": 30}
    assert table.to_pylist() == [told | dict.fromkeys(("description", "category", "unit_cost"))]
    assert [row["item"] for row in csv.DictReader(io.StringIO(get(area, "/items", CSV).text))] == ["A", "B", "C", "Z"]
