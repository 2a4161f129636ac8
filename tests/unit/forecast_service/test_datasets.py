"""A digest names the data itself: equal rows have it, other rows do not, and damage is noticed."""

import datetime
import os
from functools import partial
from pathlib import Path
from threading import Thread

import pyarrow as pa
import pytest

from services.forecast.datasets.blocks import DatasetGone, Datasets
from shared.errors import NotFound
from tests.unit.forecast_service.whole import keep_whole, read_whole


def demand(*rows):
    days, quantities = zip(*rows, strict=True)
    periods = pa.array([datetime.date.fromisoformat(day) for day in days], pa.date32())
    return pa.table(
        {"item": ["A"] * len(rows), "period": periods, "quantity": [float(number) for number in quantities]}
    )


TABLES = {
    "demand": demand(("2023-12-25", 1), ("2024-01-01", 2), ("2024-01-08", 3)),
    "items": pa.table({"item": ["A"], "category": pa.array([None], pa.string())}),
    "driver_values": demand(("2024-01-01", 1)).slice(0, 0),
}


@pytest.fixture
def datasets(tmp_path):
    return Datasets(tmp_path / "datasets")


def stored(datasets):
    return {path for path in datasets.root.rglob("*") if path.is_file()}


def test_what_was_kept_is_read(datasets):
    assert read_whole(datasets, keep_whole(datasets, TABLES).digest) == TABLES


def test_equal_data_is_kept_once(datasets, tmp_path):
    kept = keep_whole(datasets, TABLES)
    before = stored(datasets)
    assert keep_whole(datasets, dict(TABLES)) == kept == keep_whole(Datasets(tmp_path / "elsewhere"), TABLES)
    assert stored(datasets) == before


def test_a_new_period_adds_only_its_own_year(datasets):
    digest = keep_whole(datasets, TABLES).digest
    before = stored(datasets)
    grown = demand(("2023-12-25", 1), ("2024-01-01", 2), ("2024-01-08", 3), ("2024-01-15", 4))
    assert keep_whole(datasets, TABLES | {"demand": grown}).digest != digest
    assert len(stored(datasets) - before) == 2


def test_a_changed_quantity_has_another_digest(datasets):
    changed = demand(("2023-12-25", 1), ("2024-01-01", 2), ("2024-01-08", 3.0000001))
    assert keep_whole(datasets, TABLES).digest != keep_whole(datasets, TABLES | {"demand": changed}).digest


@pytest.mark.parametrize("harm", [lambda path: path.unlink(), lambda path: path.write_bytes(b"other")])
def test_a_missing_or_damaged_block_is_told(datasets, harm):
    digest = keep_whole(datasets, TABLES).digest
    harm(max(stored(datasets), key=lambda path: path.stat().st_size))
    for look in (
        partial(read_whole, datasets),
        datasets.facts,
        lambda name: [datasets.table(name, table) for table in TABLES],
    ):
        with pytest.raises(DatasetGone):
            look(digest)


def test_a_damaged_block_is_mended_when_the_same_data_is_kept_again(datasets):
    digest = keep_whole(datasets, TABLES).digest
    for path in stored(datasets):
        path.write_bytes(b"torn")
    assert keep_whole(datasets, TABLES).digest == digest
    assert read_whole(datasets, digest) == TABLES


def test_an_unknown_digest(datasets):
    with pytest.raises(DatasetGone):
        read_whole(datasets, "0" * 64)


def test_what_was_kept_is_told(datasets):
    kept = keep_whole(datasets, TABLES)
    assert {name: facts.rows for name, facts in kept.tables.items()} == {"demand": 3, "items": 1, "driver_values": 0}
    assert datasets.facts(kept.digest) == kept.tables
    blocks = sum(path.stat().st_size for path in stored(datasets) if path.name != kept.digest)
    assert sum(facts.bytes for facts in kept.tables.values()) == blocks


def test_a_table_is_read_block_by_block(datasets):
    digest = keep_whole(datasets, TABLES).digest
    schema, batches = datasets.table(digest, "demand")
    found = list(batches)
    assert [batch.num_rows for batch in found] == [1, 2]
    assert pa.Table.from_batches(found, schema) == TABLES["demand"]
    schema, batches = datasets.table(digest, "driver_values")
    assert (schema, list(batches)) == (TABLES["demand"].schema, [])
    with pytest.raises(NotFound):
        datasets.table(digest, "prices")


def test_everything_is_on_disk_before_a_digest_is_told(datasets, monkeypatch):
    """A power cut after `keep` loses nothing: content before name, name before the next thing that is named."""
    done = []
    fsync, rename = os.fsync, Path.rename

    def syncing(descriptor):
        done.append(("sync", str(Path(f"/proc/self/fd/{descriptor}").readlink())))
        fsync(descriptor)

    def renaming(draft, target):
        done.append(("rename", str(draft), str(target)))
        return rename(draft, target)

    monkeypatch.setattr(os, "fsync", syncing)
    monkeypatch.setattr(Path, "rename", renaming)
    digest = keep_whole(datasets, TABLES).digest
    renames = [(at, step[1], step[2]) for at, step in enumerate(done) if step[0] == "rename"]
    assert len(renames) == len(stored(datasets)) == 5
    for at, draft, target in renames:
        assert done[at - 1] == ("sync", draft)
        assert done[at + 1 : at + 3] == [("sync", str(Path(target).parent)), ("sync", str(datasets.root))]
    assert renames[-1][2].endswith(digest)  # the manifest after all that it names
    done.clear()
    keep_whole(datasets, TABLES)
    assert {step[0] for step in done} == {"sync"}  # whoever wrote the block may not have got that far


def age(datasets):
    for path in stored(datasets):
        os.utime(path, (0, 0))


def test_only_what_is_old_and_not_named_is_deleted(datasets):
    first = keep_whole(datasets, TABLES).digest
    second = keep_whole(datasets, TABLES | {"items": TABLES["items"].slice(0, 0)}).digest
    shared = datasets.files(first) & datasets.files(second)
    (datasets.root / second[:2] / "tmpdraft").write_bytes(b"left over by a worker that died")
    assert datasets.delete_others(datasets.files(second), before=1) == 0
    age(datasets)
    assert datasets.delete_others(datasets.files(second), before=1) == 3  # manifest, its own block, and the draft
    assert len(shared) == 3
    assert {path.name for path in stored(datasets)} == datasets.files(second)
    assert read_whole(datasets, second)["demand"] == TABLES["demand"]
    assert datasets.files(first) == set()


def test_what_is_kept_anew_while_others_delete_stays(datasets, monkeypatch):
    """Between the look at a file's age and its end nobody can take it for kept."""
    digest = keep_whole(datasets, TABLES).digest
    age(datasets)
    keepers = [Thread(target=keep_whole, args=(datasets, TABLES)) for _ in range(5)]
    waiting = iter(keepers)
    unlink = Path.unlink

    def meanwhile(path):
        keeper = next(waiting)
        keeper.start()
        keeper.join(0.3)  # without the lock it would be done by now
        unlink(path)

    monkeypatch.setattr(Path, "unlink", meanwhile)
    datasets.delete_others(set(), before=1)
    assert keepers[0].ident is not None
    for keeper in keepers:
        if keeper.ident is not None:
            keeper.join()
    assert read_whole(datasets, digest) == TABLES
