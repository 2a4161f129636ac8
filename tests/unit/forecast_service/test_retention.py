"""Datasets are kept while somebody may ask for them, and say so when they are not."""

import datetime
import io
import json
import os
from types import SimpleNamespace
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import func, select, update

from services.forecast import jobs
from services.forecast.datasets import retention, service
from services.forecast.datasets.blocks import Datasets
from services.forecast.datasets.tables import Dataset
from services.forecast.models.tables import ModelVersion, Promotion, TrainingRun
from shared.jobs import UPKEEP
from shared.media import ARROW, CSV, NDJSON, PARQUET
from tests.unit.forecast_service.whole import keep_whole, read_whole
from tests.unit.inside import Inside, profile

DAYS = 400
UNKNOWN = "0" * 64


class Caller(Inside):
    service = "forecast"


def tables(*quantities, year=2024):
    periods = [datetime.date(year, 1, 1) + datetime.timedelta(weeks=week) for week in range(len(quantities))]
    return {
        "demand": pa.table(
            {
                "item": ["A"] * len(quantities),
                "period": pa.array(periods, pa.date32()),
                "quantity": pa.array(quantities, pa.float64()),
                "publication_delay": pa.array([1] * len(quantities), pa.int32()),
            }
        ),
        "items": pa.table({"item": ["A"], "category": pa.array([None], pa.string())}),
    }


@pytest.fixture
def datasets(settings):
    return Datasets(settings.datasets)


@pytest.fixture
def read(area, database, datasets):
    """Lets a training run read data and end; tells the digest: `read(1.0, 2.0, status="running")`."""

    def reading(*quantities, status="succeeded", days=0, name=area.area.area, **changes):
        kept = keep_whole(datasets, tables(*quantities))
        run = TrainingRun(
            id=uuid4(), area=name, reason="test", origins=3, requested_by="person-1", frequency="W", season_length=52
        )
        for field, value in (
            {"horizon": 4, "seed": 7, "status": status, "input_digest": kept.digest} | changes
        ).items():
            setattr(run, field, value)
        with database.write() as session:
            session.add(run)
            service.record(session, name, kept)
        age(database, datasets, name, kept.digest, days)
        return kept.digest

    return reading


def age(database, datasets, area, digest, days):
    """As if its last use were so many days ago."""
    then = func.now() - datetime.timedelta(days=days)
    mine = (Dataset.area == area, Dataset.digest == digest)
    with database.write() as session:
        session.execute(update(Dataset).where(*mine).values(last_used_at=then))
    for name in datasets.files(digest) if days else ():
        os.utime(datasets.root / name[:2] / name, (0, 0))


def version_of(database, area, digest, number, promoted=None):
    """A model version trained on a dataset, promoted so many days ago."""
    with database.write() as session:
        run = session.scalars(select(TrainingRun.id).where(TrainingRun.input_digest == digest)).first()
        told = {"frequency": "W", "season_length": 52, "horizon": 4, "seed": 7, "features": [], "metrics": {}}
        told |= {"artifact_digest": "a", "code_version": "c", "mlflow_run": "r", "last_period": "2024-01-01"}
        session.add(ModelVersion(area=area, version=number, training_run=run, dataset_digest=digest, **told))
        session.flush()
        if promoted is not None:
            when = func.now() - datetime.timedelta(days=promoted)
            row = {"area": area, "sequence": number, "version": number, "reason": "r", "promoted_by": "p"}
            session.add(Promotion(**row, promoted_at=when))


def kept(area):
    return {row["digest"] for row in area.ok("GET", "/datasets?limit=1000")["items"] if row["pruned_at"] is None}


def test_a_dataset_is_told_with_its_readers(area, read, database):
    digest = read(1.0, 2.5)
    version_of(database, area.area.area, digest, 1)
    [listed] = area.ok("GET", "/datasets")["items"]
    assert [(one["table"], one["rows"]) for one in listed["tables"]] == [("demand", 2), ("items", 1)]
    assert listed["bytes"] == sum(one["bytes"] for one in listed["tables"]) > 0
    shown = area.ok("GET", f"/datasets/{digest}")
    assert shown | listed == shown
    assert (shown["versions"], len(shown["training_runs"]), shown["forecasts"]) == ([1], 1, [])
    last, until = (datetime.datetime.fromisoformat(shown[name]) for name in ("last_used_at", "kept_until"))
    assert until - last == datetime.timedelta(days=DAYS)


def test_its_rows_come_in_every_format(area, read):
    digest = read(1.0, 2.5)
    path = f"/datasets/{digest}/tables/demand"
    answers = {media: area("GET", path, headers={"accept": media}) for media in (ARROW, CSV, NDJSON, PARQUET)}
    assert pa.ipc.open_stream(answers[ARROW].content).read_all() == tables(1.0, 2.5)["demand"]
    assert area("GET", path, headers={"accept": "*/*"}).content == answers[ARROW].content
    assert pq.read_table(io.BytesIO(answers[PARQUET].content)) == tables(1.0, 2.5)["demand"]
    assert json.loads(answers[NDJSON].text.splitlines()[1]) == {
        "item": "A",
        "period": "2024-01-08",
        "quantity": 2.5,
        "publication_delay": 1,
    }
    assert answers[CSV].text.splitlines()[2] == '"A",2024-01-08,2.5,1'
    assert area("GET", path, headers={"accept": "application/json"}).status_code == 406


def test_what_is_not_there_is_not_found(area, read, client):
    digest = read(1.0)
    other = Caller(client, profile("somebody-else"))
    for caller, path in (
        (area, f"/datasets/{UNKNOWN}"),
        (area, f"/datasets/{UNKNOWN}/tables/demand"),
        (area, f"/datasets/{digest}/tables/prices"),
        (other, f"/datasets/{digest}"),
        (other, f"/datasets/{digest}/tables/demand"),
    ):
        assert caller("GET", path).status_code == 404, path
    assert other.ok("GET", "/datasets")["items"] == []
    assert area("GET", "/datasets/..%2f..").status_code in {404, 422}
    assert area("GET", f"/datasets/{digest.upper()}").status_code == 422


def test_what_no_run_has_read_for_long_is_let_go_and_says_so(area, read, database, datasets):
    old, fresh = read(1.0, 2.0, days=DAYS + 1), read(1.0, 3.0, days=DAYS - 1)
    retention.prune(database, datasets, DAYS)
    assert kept(area) == {fresh}
    for path in (f"/datasets/{old}", f"/datasets/{old}/tables/demand"):
        answer = area("GET", path)
        assert (answer.status_code, answer.json()["type"]) == (410, "/docs/errors#dataset-gone")
    assert datasets.files(old) == set()
    assert read_whole(datasets, fresh) == tables(1.0, 3.0)


def test_what_others_still_need_stays(area, read, database, datasets):
    mine = area.area.area
    champion, lately, replaced, unfinished = (read(7.0, number, days=DAYS + 100) for number in (1.0, 2.0, 3.0, 4.0))
    version_of(database, mine, replaced, 1, promoted=DAYS + 50)
    version_of(database, mine, lately, 2, promoted=DAYS - 50)
    version_of(database, mine, champion, 3, promoted=DAYS + 10)
    with database.write() as session:
        session.execute(update(TrainingRun).where(TrainingRun.input_digest == unfinished).values(status="running"))
    assert area.ok("GET", f"/datasets/{champion}")["kept_until"] is None
    assert area.ok("GET", f"/datasets/{replaced}")["kept_until"] is not None
    retention.prune(database, datasets, DAYS)
    assert kept(area) == {champion, lately, unfinished}
    for digest in (champion, lately, unfinished):
        read_whole(datasets, digest)


def test_blocks_that_another_area_has_stay(area, read, database, datasets):
    digest = read(5.0, 6.0, days=DAYS + 1)
    assert read(5.0, 6.0, name=f"{area.area.area}-twin") == digest
    age(database, datasets, area.area.area, digest, DAYS + 1)
    retention.prune(database, datasets, DAYS)
    assert area("GET", f"/datasets/{digest}").status_code == 410
    assert read_whole(datasets, digest) == tables(5.0, 6.0)


def test_a_dataset_that_is_read_again_is_there_again(area, read, database, datasets):
    digest = read(8.0, days=DAYS + 1)
    retention.prune(database, datasets, DAYS)
    assert area("GET", f"/datasets/{digest}").status_code == 410
    assert read(8.0) == digest
    assert kept(area) == {digest}
    assert area("GET", f"/datasets/{digest}/tables/items").status_code == 200


def test_a_dataset_that_is_kept_but_not_recorded_yet_is_left_alone(database, datasets):
    digest = keep_whole(datasets, tables(9.0, 1.0, 9.0)).digest
    retention.prune(database, datasets, DAYS)
    assert read_whole(datasets, digest) == tables(9.0, 1.0, 9.0)


def test_after_a_crash_between_mark_and_deletion_the_next_round_deletes(area, read, database, datasets, monkeypatch):
    digest = read(4.0, 4.0, days=DAYS + 1)
    with monkeypatch.context() as crash:
        crash.setattr(datasets, "delete_others", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            retention.prune(database, datasets, DAYS)
    assert area("GET", f"/datasets/{digest}").status_code == 410
    assert datasets.files(digest) != set()
    retention.prune(database, datasets, DAYS)
    assert datasets.files(digest) == set()


def test_what_an_earlier_release_has_kept_gets_its_row(area, read, database, datasets):
    there, lost = read(2.0, 2.0), read(2.0, 9.0)
    told = {row["digest"]: row for row in area.ok("GET", "/datasets")["items"]}
    with database.write() as session:
        for row in session.scalars(service.datasets(area.area.area)):
            session.delete(row)
    (datasets.root / lost[:2] / lost).unlink()
    retention.prune(database, datasets, DAYS)
    assert kept(area) == {there}
    again = area.ok("GET", f"/datasets/{there}")
    assert {name: again[name] for name in ("tables", "bytes")} == {
        name: told[there][name] for name in ("tables", "bytes")
    }
    assert area("GET", f"/datasets/{lost}").status_code == 410


def test_a_damaged_block_is_told_before_the_first_row(area, read, datasets):
    digest = read(3.0, 1.0, 4.0)
    block = next(
        name for name in datasets.files(digest) if name != digest and datasets.root.joinpath(name[:2], name).exists()
    )
    datasets.root.joinpath(block[:2], block).write_bytes(b"torn")
    statuses = {area("GET", f"/datasets/{digest}/tables/{name}").status_code for name in ("demand", "items")}
    assert statuses == {200, 410}
    keep_whole(datasets, tables(3.0, 1.0, 4.0))


def test_the_worker_looks_after_it_while_a_run_is_busy(area, read, database, settings):
    digest = read(6.0, 6.0, 6.0, days=31)
    context = SimpleNamespace(
        additional_context={
            "database": database,
            "settings": settings.model_copy(update={"dataset_retention_days": 30}),
        }
    )
    jobs.prune_datasets.func(context, 0)
    assert area("GET", f"/datasets/{digest}").status_code == 410
    assert jobs.prune_datasets.queue == UPKEEP
    assert UPKEEP not in {jobs.train.queue, jobs.forecast.queue}
