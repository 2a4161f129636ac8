"""Large bodies become imports: carried out by a job, all or nothing, with a list of what is wrong."""

import gzip
import io
import json
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import func, select, text

from services.forecast.demand import service as demand
from services.forecast.demand.tables import Demand, Series
from services.forecast.kinds import KINDS
from shared.errors import Unavailable
from shared.imports import job
from shared.imports.tables import Import, Piece, Reject
from tests.factories import week

ITEMS = [f"I{number:03d}" for number in range(30)]
ROWS = [
    {"item": item, "location": "L1", "period": week(number), "quantity": number + 0.5}
    for item in ITEMS
    for number in range(50)
]
CSV = {"Content-Type": "text/csv"}
NDJSON = {"Content-Type": "application/x-ndjson"}


@pytest.fixture
def known(area):
    area.ok("PUT", "/items", json=[{"item": item} for item in ITEMS])
    area.ok("PUT", "/locations", json=[{"location": "L1"}])
    return area


def counts(run):
    return tuple(run[name] for name in ("status", "received", "created", "updated", "unchanged", "rejected"))


def lines(rows):
    return "\n".join(map(json.dumps, rows))


def stored(area, database):
    with database.read() as session:
        found = select(func.count(), func.coalesce(func.sum(Demand.quantity), 0.0))
        return tuple(
            session.execute(
                found.join_from(Demand, Series, Demand.series_id == Series.id).where(Series.area == area.area.area)
            ).one()
        )


TOTAL = (len(ROWS), sum(row["quantity"] for row in ROWS))


def test_a_large_body_is_taken_in_by_a_job(known, finish, database):
    answer = known("POST", "/demand", content=lines(ROWS), headers=NDJSON)
    assert answer.headers["location"] == f"/v1/areas/{known.area.area}/imports/{answer.json()['id']}"
    assert counts(answer.json()) == ("queued", 0, 0, 0, 0, 0)
    assert stored(known, database) == (0, 0)
    assert counts(finish(known, answer)) == ("succeeded", 1500, 1500, 0, 0, 0)
    assert stored(known, database) == TOTAL


def test_a_replayed_import_changes_nothing_and_says_so(known, finish):
    first = known("POST", "/demand", content=lines(ROWS), headers=NDJSON)
    finish(known, first)
    again = finish(known, known("POST", "/demand", content=lines(ROWS), headers=NDJSON))
    changed = [ROWS[0] | {"quantity": 1000}, *ROWS[1:-1], ROWS[-1] | {"in_stock": False}]
    third = finish(known, known("POST", "/demand", content=lines(changed), headers=NDJSON))
    assert counts(again) == ("succeeded", 1500, 0, 0, 1500, 0)
    assert counts(third) == ("succeeded", 1500, 0, 2, 1498, 0)


def test_one_more_row_than_a_small_body_holds(known):
    assert known("POST", "/demand", json=ROWS[:1000]).status_code == 200
    assert known("POST", "/demand", json=ROWS[:1001]).status_code == 202


@pytest.mark.parametrize("media", ["csv", "gzip", "zstd", "parquet", "arrow", "json"])
def test_every_format_is_taken_in(known, finish, database, media):
    table = pa.Table.from_pylist(ROWS)
    sink = io.BytesIO()
    if media == "parquet":
        pq.write_table(table, sink)
    elif media == "arrow":
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
    csv = "item,location,period,quantity\n" + "".join(
        f"{row['item']},{row['location']},{row['period']},{row['quantity']}\n" for row in ROWS
    )
    request = {
        "csv": {"content": csv, "headers": CSV},
        "gzip": {"content": gzip.compress(csv.encode()), "headers": CSV | {"Content-Encoding": "gzip"}},
        "zstd": {
            "content": pa.compress(csv.encode(), codec="zstd", asbytes=True),
            "headers": CSV | {"Content-Encoding": "zstd"},
        },
        "parquet": {"content": sink.getvalue(), "headers": {"Content-Type": "application/vnd.apache.parquet"}},
        "arrow": {"content": sink.getvalue(), "headers": {"Content-Type": "application/vnd.apache.arrow.stream"}},
        "json": {"json": ROWS},
    }[media]
    assert counts(finish(known, known("POST", "/demand", **request))) == ("succeeded", 1500, 1500, 0, 0, 0)
    assert stored(known, database) == TOTAL


WRONG = {
    3: ({"item": "ghost"}, "item", "is no item of this area"),
    70: ({"location": "nowhere"}, "location", "is no location of this area"),
    71: ({"period": week(600)}, "period", "has not begun yet"),
    500: ({"period": "2021-01-05"}, "period", "begins no period; the period that holds this day begins on 2021-01-04"),
    501: (
        {"quantity": -1},
        "quantity",
        "must not be negative: net returns with the demand of the period they belong to",
    ),
    1400: ({"quantity": "7"}, "quantity", "must be a number"),
    1401: ({"colour": "red"}, "colour", "Extra inputs are not permitted"),
}
BROKEN = [row | WRONG.get(number, ({},))[0] for number, row in enumerate(ROWS)]


def rejects(area, run):
    return [
        (one["row"], one["field"], one["detail"]) for one in area.ok("GET", f"/imports/{run['id']}/rejects")["items"]
    ]


EXPECTED = [(row, field, detail) for row, (_, field, detail) in WRONG.items()]


def test_one_bad_row_stores_nothing_and_all_bad_rows_are_listed(known, finish, database):
    run = finish(known, known("POST", "/demand", content=lines(BROKEN), headers=NDJSON))
    assert counts(run) == ("failed", 1500, 0, 0, 0, 7)
    assert run["error"]["type"] == "/docs/errors#rows-rejected"
    assert rejects(known, run) == EXPECTED
    assert stored(known, database) == (0, 0)


def test_bad_rows_can_be_left_out(known, finish, database):
    run = finish(known, known("POST", "/demand?on_error=skip", content=lines(BROKEN), headers=NDJSON))
    assert counts(run) == ("succeeded", 1500, 1493, 0, 0, 7)
    assert run["error"] is None
    assert rejects(known, run) == EXPECTED
    assert stored(known, database) == (1493, sum(row["quantity"] for n, row in enumerate(ROWS) if n not in WRONG))


@pytest.mark.parametrize(("on_error", "created"), [("skip", 1493), ("reject", 0)])
def test_a_body_can_be_checked_without_being_stored(known, finish, database, on_error, created):
    path = f"/demand?validate_only=true&on_error={on_error}"
    run = finish(known, known("POST", path, content=lines(BROKEN), headers=NDJSON))
    assert counts(run) == ("succeeded", 1500, created, 0, 0, 7)
    assert rejects(known, run) == EXPECTED
    assert stored(known, database) == (0, 0)


def test_the_first_faults_are_listed_and_all_rejected_rows_counted(known, finish, monkeypatch):
    monkeypatch.setattr(job, "MOST_REJECTS", 3)
    monkeypatch.setattr(job, "BATCH_ROWS", 2)
    bad = [ROWS[0], *({"item": "ghost", "location": "?"} for _ in range(5)), ROWS[1] | {"item": "unknown"}]
    run = finish(known, known("POST", "/demand?on_error=skip", json=bad))
    assert counts(run) == ("succeeded", 7, 1, 0, 0, 6)
    listed = known.ok("GET", f"/imports/{run['id']}/rejects")["items"]
    assert [one["row"] for one in listed] == [1, 1, 2]


def test_rows_with_one_key_are_all_rejected(known, finish):
    run = finish(known, known("POST", "/demand?on_error=skip", json=[ROWS[0], ROWS[1], ROWS[0] | {"quantity": 9}]))
    assert counts(run) == ("succeeded", 3, 1, 0, 0, 2)
    assert rejects(known, run) == [(0, None, "another row has the same key"), (2, None, "another row has the same key")]


def test_whoever_says_how_gets_an_import_however_small(known, finish):
    run = finish(known, known("POST", "/demand?on_error=skip", json=[ROWS[0], ROWS[1] | {"quantity": -1}]))
    assert counts(run) == ("succeeded", 2, 1, 0, 0, 1)


@pytest.mark.parametrize("query", ["on_error=ignore", "validate_only=perhaps", "dry_run=true"])
def test_a_wish_that_we_do_not_know_is_refused(known, query):
    assert known("POST", f"/demand?{query}", json=ROWS[:1]).status_code == 422


def test_a_body_that_breaks_late_fails_as_a_whole(known, finish, database):
    csv = "item,location,period,quantity\n" + "".join(
        f"{row['item']},L1,{row['period']},{row['quantity']}\n" for row in [*ROWS, *ROWS]
    )
    run = finish(known, known("POST", "/demand", content=csv.encode() + b'I001,L1,"\xff', headers=CSV))
    assert (run["status"], run["error"]["type"]) == ("failed", "/docs/errors#invalid")
    assert stored(known, database) == (0, 0)


def test_a_body_that_is_no_table_is_refused_at_once(known):
    answer = known("POST", "/demand?on_error=skip", content="colour\nred\n", headers=CSV)
    assert (answer.status_code, answer.json()["type"]) == (422, "/docs/errors#invalid")
    assert known.ok("GET", "/imports")["items"] == []


def test_a_driver_that_nobody_defined_is_refused_at_once(known):
    rows = [{"item": item, "period": week(n), "value": 1} for item in ITEMS for n in range(50)]
    assert known("POST", "/drivers/unheard/values", json=rows).status_code == 404
    assert known.ok("GET", "/imports")["items"] == []


@pytest.mark.parametrize(
    ("scope", "code", "detail"),
    [
        ("item", {"item": "I000"}, None),
        ("global", {}, None),
        ("location", {"item": "I000"}, "the scope location takes no item"),
    ],
)
def test_a_drivers_values_are_taken_in(known, finish, scope, code, detail):
    known.ok("PUT", "/drivers/price", json={"kind": "price", "known_ahead": True, "scope": scope})
    rows = [{"period": week(number), "value": number} | code for number in range(60)]
    run = finish(known, known("POST", "/drivers/price/values?on_error=skip", content=lines(rows), headers=NDJSON))
    if detail is None:
        assert counts(run) == ("succeeded", 60, 60, 0, 0, 0)
        again = finish(known, known("POST", "/drivers/price/values?on_error=skip", content=lines(rows), headers=NDJSON))
        assert counts(again) == ("succeeded", 60, 0, 0, 60, 0)
        listed = known.ok("GET", "/drivers/price/values?limit=1000")["items"]
        assert [row["value"] for row in listed] == list(range(60))
    else:
        assert counts(run) == ("succeeded", 60, 0, 0, 0, 60)
        assert (0, "item", detail) in rejects(known, run)


def test_master_data_is_taken_in(area, finish):
    many = [{"item": f"A{number}", "unit_cost": "1.50", "category": "x/y"} for number in range(1200)]
    assert counts(finish(area, area("PUT", "/items", json=many))) == ("succeeded", 1200, 1200, 0, 0, 0)
    assert counts(finish(area, area("PUT", "/items", json=many))) == ("succeeded", 1200, 0, 0, 1200, 0)
    assert area.ok("GET", "/items?item=A7")["items"][0]["unit_cost"] == "1.50"


def test_a_cancelled_import_stores_nothing(known, finish, database):
    answer = known("POST", "/demand", content=lines(ROWS), headers=NDJSON)
    known.ok("POST", f"/imports/{answer.json()['id']}/cancel")
    assert counts(finish(known, answer)) == ("cancelled", 0, 0, 0, 0, 0)
    assert stored(known, database) == (0, 0)


def test_a_cancellation_while_rows_are_stored_is_heard(known, finish, database, monkeypatch):
    answer = known("POST", "/demand", content=lines(ROWS), headers=NDJSON)
    store = demand.KIND.store

    def storing(session, call, rows):
        found = store(session, call, rows)
        known.ok("POST", f"/imports/{answer.json()['id']}/cancel")
        return found

    monkeypatch.setitem(KINDS, "demand", SimpleNamespace(**{**vars(demand.KIND), "store": storing}))
    assert finish(known, answer)["status"] == "cancelled"
    assert stored(known, database) == (0, 0)


def test_an_import_that_was_taken_over_stores_nothing(known, finish, database, monkeypatch):
    answer = known("POST", "/demand", content=lines(ROWS), headers=NDJSON)
    store = demand.KIND.store

    def storing(session, call, rows):
        found = store(session, call, rows)
        with database.write() as other:
            other.get_one(Import, answer.json()["id"]).attempt += 1
        return found

    monkeypatch.setitem(KINDS, "demand", SimpleNamespace(**{**vars(demand.KIND), "store": storing}))
    assert finish(known, answer)["status"] == "running"
    assert stored(known, database) == (0, 0)
    monkeypatch.undo()
    assert counts(finish(known, answer)) == ("succeeded", 1500, 1500, 0, 0, 0)


def test_a_stopping_worker_gives_an_import_back(known, finish, database):
    answer = known("POST", "/demand", content=lines(ROWS), headers=NDJSON)
    with pytest.raises(Unavailable):
        finish(known, answer, stopping=True)
    assert stored(known, database) == (0, 0)
    assert counts(finish(known, answer, attempts=1)) == ("succeeded", 1500, 1500, 0, 0, 0)


def test_what_an_import_leaves_behind_is_cleared_away(known, finish, database):
    done = finish(known, known("POST", "/demand?on_error=skip", content=lines(BROKEN), headers=NDJSON))
    stopped = known("POST", "/demand", content=lines(ROWS), headers=NDJSON).json()
    known.ok("POST", f"/imports/{stopped['id']}/cancel")
    waiting = known("POST", "/demand", content=lines(ROWS), headers=NDJSON).json()

    def left(table):
        with database.read() as session:
            mine = select(table.import_id).distinct().where(table.import_id.in_(names))
            return {str(name) for name in session.scalars(mine)}

    names = [done["id"], stopped["id"], waiting["id"]]
    assert (left(Piece), left(Reject)) == ({stopped["id"], waiting["id"]}, {done["id"]})
    with database.write() as session:
        old = func.now() - func.make_interval(0, 0, 0, job.REJECTS_KEPT_DAYS + 1)
        session.get_one(Import, done["id"]).finished_at = old
        session.flush()
        job.forget(session)
    assert (left(Piece), left(Reject)) == ({waiting["id"]}, set())
    gone = known("GET", f"/imports/{done['id']}/rejects")
    assert (gone.status_code, gone.json()["type"]) == (410, "/docs/errors#rejects-gone")


def test_imports_of_one_kind_into_one_area_wait_for_each_other(known, database):
    known("POST", "/demand", content=lines(ROWS), headers=NDJSON)
    known("PUT", "/items?on_error=skip", json=[{"item": "A"}])
    with database.read() as session:
        query = "SELECT lock FROM procrastinate_jobs WHERE task_name = 'imports:carry_out' AND lock LIKE :mine"
        locks = session.execute(text(query), {"mine": f"% {known.area.area}"}).scalars().all()
    assert sorted(locks) == [f"import demand {known.area.area}", f"import items {known.area.area}"]


def test_another_areas_import_does_not_exist(known, client):
    name = known("POST", "/demand", content=lines(ROWS), headers=NDJSON).json()["id"]
    other = type(known)(client, type(known.area)(**{**vars(known.area), "area": "elsewhere"}))
    for method, path in (("GET", ""), ("GET", "/rejects"), ("POST", "/cancel")):
        assert other(method, f"/imports/{name}{path}").status_code == 404
    assert other.ok("GET", "/imports")["items"] == []


def test_a_key_makes_one_import(known):
    headers = NDJSON | {"Idempotency-Key": "once"}
    first, again = (known("POST", "/demand", content=lines(ROWS), headers=headers) for _ in range(2))
    other = known("POST", "/demand", content=lines(ROWS[1:]), headers=headers)
    assert (again.status_code, again.json(), again.headers["location"]) == (
        202,
        first.json(),
        first.headers["location"],
    )
    assert again.headers["idempotency-replayed"] == "true"
    assert (other.status_code, other.json()["type"]) == (422, "/docs/errors#idempotency-key-reused")
    assert len(known.ok("GET", "/imports")["items"]) == 1
