"""Large tables over the real stack: queued, taken in beside other work, listed, and seen by everybody afterwards."""

import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.factories import put, week

PARQUET = "application/vnd.apache.parquet"
NDJSON = "application/x-ndjson"
ITEMS = [f"item {number}" for number in range(40)]
ROWS = [
    {"item": item, "location": "L1", "period": week(number), "quantity": number}
    for item in ITEMS
    for number in range(50)
]


@pytest.fixture(scope="module")
def loaded(accord):
    area = accord.area()
    erp = area.as_("integrator")
    put(erp, "PUT", "/items", [{"item": item} for item in ITEMS])
    put(erp, "PUT", "/locations", [{"location": "L1"}])
    return area


def parquet(rows):
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), sink)
    return sink.getvalue()


def counts(run):
    return [run[name] for name in ("status", "received", "created", "updated", "unchanged", "rejected")]


def test_an_import_and_its_replay(loaded):
    erp = loaded.as_("integrator")
    send = {"content": parquet(ROWS), "headers": {"Content-Type": PARQUET}}
    first = loaded.succeed(erp.post("/demand", **send))
    again = loaded.succeed(erp.post("/demand", **send))
    assert counts(first) == ["succeeded", 2000, 2000, 0, 0, 0]
    assert counts(again) == ["succeeded", 2000, 0, 0, 2000, 0]
    listed = loaded.as_("viewer").get("/imports", params={"limit": 1}).json()
    assert [run["id"] for run in listed["items"]] == [again["id"]]
    assert listed["next_cursor"] is not None


def test_the_rows_that_do_not_hold_are_listed_page_by_page(loaded):
    rows = [row | {"item": f"ghost-{row['item']}"} if number % 2 else row for number, row in enumerate(ROWS)]
    body = "\n".join(map(json.dumps, rows))
    answer = loaded.as_("integrator").post("/demand", content=body, headers={"Content-Type": NDJSON})
    run = loaded.finish(answer)
    assert counts(run) == ["failed", 2000, 0, 0, 0, 1000]
    assert run["error"]["type"] == "/docs/errors#rows-rejected"
    viewer, path = loaded.as_("viewer"), f"/imports/{run['id']}/rejects"
    page = viewer.get(path, params={"limit": 600}).json()
    rest = viewer.get(path, params={"limit": 600, "cursor": page["next_cursor"]}).json()
    found = page["items"] + rest["items"]
    assert [one["row"] for one in found] == list(range(1, 2000, 2))
    assert {(one["field"], one["detail"]) for one in found} == {("item", "is no item of this area")}
    assert rest["next_cursor"] is None
    lines = viewer.get(path, headers={"Accept": NDJSON}).text.splitlines()
    assert [json.loads(line) for line in lines] == found


def test_supply_has_imports_of_its_own(loaded):
    erp = loaded.as_("integrator")
    stock = [{"item": f"I{number}", "location": "L1", "as_of": week(60), "on_hand": number} for number in range(1500)]
    answer = erp.post("/inventory", json=stock)
    assert answer.headers["location"].startswith(f"{loaded.prefix}/supply/imports/")
    assert counts(loaded.succeed(answer)) == ["succeeded", 1500, 1500, 0, 0, 0]
    broken = [{"item": "A", "location": "L1", "mode": "transfer", "source": "L1", "lead_time": 1, "unit_cost": "1"}]
    run = loaded.finish(erp.put("/supply/sourcing-rules", params={"on_error": "skip"}, json=broken))
    assert counts(run) == ["succeeded", 1, 0, 0, 0, 1]
    rejects = erp.get(f"/supply/imports/{run['id']}/rejects").json()["items"]
    assert rejects == [{"row": 0, "field": None, "detail": "a transfer needs another location as its source"}]
    assert erp.get(f"/imports/{run['id']}").status_code == 404


def test_an_import_does_not_wait_for_a_training(loaded):
    """Only order is asserted: the import ends although a run that began before it still waits or works."""
    erp, mlops = loaded.as_("integrator"), loaded.as_("mlops")
    trainings = [mlops.post("/training-runs", json={"reason": "long"}) for _ in range(3)]
    taken = loaded.succeed(erp.post("/demand", content=parquet(ROWS), headers={"Content-Type": PARQUET}))
    last = loaded.succeed(trainings[-1])
    assert taken["finished_at"] < last["finished_at"]


def test_a_viewer_cannot_import_and_a_stranger_sees_nothing(loaded, accord):
    answer = loaded.as_("viewer").post("/demand", content=parquet(ROWS), headers={"Content-Type": PARQUET})
    assert answer.status_code == 403
    run = loaded.as_("integrator").post("/demand", params={"validate_only": True}, json=ROWS[:1]).json()
    other = accord.area().as_("integrator")
    for path in ("", "/rejects"):
        assert other.get(f"/imports/{run['id']}{path}").status_code == 404
