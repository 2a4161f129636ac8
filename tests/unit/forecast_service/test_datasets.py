"""A digest names the data itself: equal rows have it, other rows do not, and damage is noticed."""

import datetime

import pyarrow as pa
import pytest

from services.forecast.datasets import DatasetGone, Datasets


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
    assert datasets.read(datasets.keep(TABLES)) == TABLES


def test_equal_data_is_kept_once(datasets, tmp_path):
    digest = datasets.keep(TABLES)
    before = stored(datasets)
    assert datasets.keep(dict(TABLES)) == digest == Datasets(tmp_path / "elsewhere").keep(TABLES)
    assert stored(datasets) == before


def test_a_new_period_adds_only_its_own_year(datasets):
    digest = datasets.keep(TABLES)
    before = stored(datasets)
    grown = demand(("2023-12-25", 1), ("2024-01-01", 2), ("2024-01-08", 3), ("2024-01-15", 4))
    assert datasets.keep(TABLES | {"demand": grown}) != digest
    assert len(stored(datasets) - before) == 2


def test_a_changed_quantity_has_another_digest(datasets):
    changed = demand(("2023-12-25", 1), ("2024-01-01", 2), ("2024-01-08", 3.0000001))
    assert datasets.keep(TABLES) != datasets.keep(TABLES | {"demand": changed})


@pytest.mark.parametrize("harm", [lambda path: path.unlink(), lambda path: path.write_bytes(b"other")])
def test_a_missing_or_damaged_block_is_told(datasets, harm):
    digest = datasets.keep(TABLES)
    harm(max(stored(datasets), key=lambda path: path.stat().st_size))
    with pytest.raises(DatasetGone):
        datasets.read(digest)


def test_an_unknown_digest(datasets):
    with pytest.raises(DatasetGone):
        datasets.read("0" * 64)
