"""A part of a dataset says of its item-locations what the whole one does."""

import datetime

import numpy as np
import pyarrow as pa
import pytest

from services.forecast import panels, parts
from services.forecast.datasets.blocks import Datasets
from services.forecast.explanations.explaining import Newest
from services.forecast.inputs import Inputs
from services.forecast.panels import Profile
from services.forecast.parts import Part
from tests.unit.forecast_service.whole import keep_whole

MONTHS = [datetime.date(2020 + number // 12, number % 12 + 1, 1) for number in range(36)]
ORIGIN = MONTHS[-1]


def table(rows):
    names = {"period": pa.date32(), "quantity": pa.float64(), "value": pa.float64(), "in_stock": pa.bool_()}
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    return pa.table({name: pa.array(column, names.get(name, pa.string())) for name, column in columns.items()})


@pytest.fixture
def kept(tmp_path):
    """Six items of two categories at two locations; the first deal of all is A's, B has none in the first two years."""
    rng = np.random.default_rng(4)
    demand = [
        {"item": item, "location": place, "period": month, "quantity": float(rng.poisson(9)), "in_stock": True}
        for item in "ABCDEF"
        for place in ("L1", "L2")
        for month in MONTHS[0 if item == "A" else 7 :]
        if rng.random() < 0.8 or month == ORIGIN
    ]
    values = [{"driver": "deal", "item": "A", "location": "L2", "period": MONTHS[3], "value": 1.0}]
    values += [{"driver": "deal", "item": "B", "location": "L1", "period": MONTHS[30], "value": 1.0}]
    values += [{"driver": "fair", "item": None, "location": None, "period": MONTHS[5], "value": 1.0}]
    values += [
        {"driver": "price", "item": item, "location": None, "period": month, "value": float(rng.uniform(1, 2))}
        for item in "ABCDEF"
        for month in MONTHS
    ]
    definition = {"known_ahead": True, "publication_delay": 1}
    drivers = [
        {"driver": "deal", "kind": "promotion", "scope": "item-location"} | definition,
        {"driver": "fair", "kind": "event", "scope": "global"} | definition,
        {"driver": "price", "kind": "price", "scope": "item"} | definition,
    ]
    tables = {
        "demand": table(demand),
        "items": table([{"item": item, "category": "odd" if item in "ACE" else "even"} for item in "ABCDEF"]),
        "locations": table([{"location": place, "region": None, "kind": None} for place in ("L1", "L2")]),
        "drivers": pa.Table.from_pylist(drivers),
        "driver_values": table(values),
    }
    datasets = Datasets(tmp_path)
    return datasets, keep_whole(datasets, tables).digest


def test_the_panel_of_a_part_is_that_part_of_the_panel(kept):
    datasets, digest = kept
    profile = Profile("M", 12, 3)
    whole, _ = panels.panel(Inputs(digest, ORIGIN, datasets.blocks(digest)), profile)
    part = Part.with_rivals(parts.categories(datasets, digest), "B", "L1")
    assert part == Part(("B", "D", "F"), "L1")
    start = parts.first_period("M", ORIGIN, len(whole.periods))
    found, _ = panels.panel(parts.take(datasets, digest, part, start, ORIGIN), profile)
    rows = np.flatnonzero(whole.series["item"].isin(list("BDF")) & (whole.series["location"] == "L1"))
    expected = whole.take(rows)
    assert found.series.equals(expected.series)
    assert np.array_equal(found.periods, whole.periods)
    assert np.array_equal(found.demand, expected.demand, equal_nan=True)
    for mine, theirs in zip(found.drivers, expected.drivers, strict=True):
        assert np.array_equal(mine.matrix, theirs.matrix, equal_nan=True), mine.name
    deal = found.drivers[0].matrix[0]
    assert np.isnan(deal[:3]).all()
    assert deal[3:].tolist() == [float(month == MONTHS[30]) for month in MONTHS[3:]] + [0, 0, 0]


@pytest.mark.parametrize(
    ("frequency", "origin", "length", "first"),
    [
        ("D", "2024-03-01", 2, "2024-02-29"),
        ("W", "2024-03-04", 53, "2023-03-06"),
        ("M", "2024-03-01", 16, "2022-12-01"),
    ],
)
def test_the_first_period_of_a_history(frequency, origin, length, first):
    found = parts.first_period(frequency, datetime.date.fromisoformat(origin), length)
    assert found.isoformat() == first


def test_what_was_used_last_is_kept_within_the_bound():
    made = []

    def get(name, size):
        return newest.get(name, lambda: made.append(name) or size, lambda kept: kept)

    newest = Newest(10)
    for name, size in (("a", 4), ("b", 4), ("a", 4), ("c", 4), ("a", 4), ("b", 4), ("huge", 99), ("huge", 99)):
        assert get(name, size) == size
    assert made == ["a", "b", "c", "b", "huge"]
