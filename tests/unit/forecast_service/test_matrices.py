"""A panel that is filled from a dataset's blocks, in memory or in files, is the one that whole tables give."""

import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.forecast import panels
from services.forecast.engine import cross_section
from services.forecast.engine.panel import DriverDefinition, Panel
from services.forecast.inputs import Inputs
from services.forecast.panels import Profile

MONDAY = np.datetime64("2023-11-27")
WEEKS = 12
ORIGIN = MONDAY + np.timedelta64(7 * (WEEKS - 1), "D")
SCOPES = {"price": ["item", "location"], "list": ["item"], "rain": ["location"], "fair": []}
KINDS = {"price": "price", "list": "price", "rain": "weather", "fair": "economic"}
codes = st.sampled_from(["B", "a", "Ä", "A/1", "10", "9"])
weeks = st.integers(0, WEEKS - 1)
amounts = st.integers(0, 9)
demands = st.dictionaries(st.tuples(codes, codes, weeks), st.tuples(amounts, st.booleans() | st.none()), min_size=1)
values = st.dictionaries(st.tuples(st.sampled_from(sorted(SCOPES)), codes, codes, st.integers(-3, WEEKS + 5)), amounts)


def period(number):
    return (MONDAY + np.timedelta64(7 * number, "D")).item()


def tables(demand, told):
    """Long tables in any order; a driver's codes outside its scope are null."""
    rows = [
        {"item": item, "location": place, "period": period(number), "quantity": float(sold), "in_stock": in_stock}
        for (item, place, number), (sold, in_stock) in demand.items()
    ]
    kept = {}
    for (name, item, place, number), value in told.items():
        keys = tuple(code if key in SCOPES[name] else None for key, code in (("item", item), ("location", place)))
        kept[name, *keys, number] = float(value)
    text, date, number = pa.string(), pa.date32(), pa.float64()
    wanted = [("item", text), ("location", text), ("period", date)]
    driver_rows = [
        {"driver": name, "item": item, "location": place, "period": period(when), "value": value}
        for (name, item, place, when), value in kept.items()
    ]
    definitions = {"known_ahead": False, "publication_delay": 1}
    return {
        "demand": pa.Table.from_pylist(rows, pa.schema([*wanted, ("quantity", number), ("in_stock", pa.bool_())])),
        "items": pa.table({"item": ["A/1", "a", "B"], "category": ["x", None, "y"]}),
        "locations": pa.table({"location": ["B"], "region": ["r"], "kind": pa.array([None], text)}),
        "drivers": pa.Table.from_pylist(
            [
                {"driver": name, "kind": KINDS[name], "scope": "-".join(keys) or "global"} | definitions
                for name, keys in sorted(SCOPES.items())
            ]
        ),
        "driver_values": pa.Table.from_pylist(driver_rows, pa.schema([("driver", text), *wanted, ("value", number)])),
    }


def whole(tables):
    """As the engine makes it of long tables."""
    said = tables["driver_values"].to_pandas(date_as_object=False)
    drivers = [
        (
            DriverDefinition(name, KINDS[name], known_ahead=False),
            said[said["driver"] == name][[*keys, "period", "value"]],
        )
        for name, keys in sorted(SCOPES.items())
        if (said["driver"] == name).any()
    ]
    attributes = [tables[name].to_pandas().dropna(axis="columns", how="all") for name in ("items", "locations")]
    demand = tables["demand"].to_pandas(date_as_object=False)
    return Panel.from_long(
        demand, frequency="W", horizon=3, season=52, last_period=ORIGIN, attributes=attributes, drivers=drivers
    )


def cut(table, size):
    return [table.slice(start, size) for start in range(0, max(table.num_rows, 1), size)]


@pytest.mark.parametrize("in_files", [False, True])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(demand=demands, told=values, size=st.integers(1, 40))
def test_the_panel_of_blocks_is_that_of_whole_tables(demand, told, size, in_files, tmp_path, monkeypatch):
    monkeypatch.setattr(cross_section, "_BLOCK_SERIES", 3)
    given_tables = tables(demand, told)
    blocks = {name: cut(table, size) for name, table in given_tables.items()}
    found, _ = panels.panel(
        Inputs("digest", ORIGIN.item(), blocks), Profile("W", 52, 3), tmp_path if in_files else None
    )
    expected = whole(given_tables)
    pd.testing.assert_frame_equal(found.series, expected.series)
    assert np.array_equal(found.timeline, expected.timeline)
    assert np.array_equal(found.demand, expected.demand, equal_nan=True)
    assert [driver.definition for driver in found.drivers] == [driver.definition for driver in expected.drivers]
    for mine, theirs in zip(found.drivers, expected.drivers, strict=True):
        assert mine.matrix.dtype == theirs.matrix.dtype == np.float32
        assert np.array_equal(mine.matrix, theirs.matrix, equal_nan=True), mine.name
    assert list(tmp_path.iterdir()) == []


def test_what_is_said_of_a_driver_counts_all_blocks(monkeypatch):
    monkeypatch.setattr(cross_section, "_BLOCK_SERIES", 2)
    demand = {(item, "B", number): (3, True) for item in ("9", "10", "a", "B", "Ä") for number in range(WEEKS)}
    long = tables(demand, {("list", item, "B", 2): 4 for item in ("9", "a", "B")})
    kinds = pa.table({"driver": ["deal", "list"], "kind": ["promotion", "price"], "known_ahead": [True, True]})
    scopes = {"scope": ["item-location", "item"], "publication_delay": [1, 1]}
    deals = [{"driver": "deal", "item": "9", "location": "B", "period": period(WEEKS - 1), "value": 1.0}]
    more = pa.Table.from_pylist(deals, long["driver_values"].schema)
    named = {name: pa.array(column) for name, column in scopes.items()}
    for name, column in named.items():
        kinds = kinds.append_column(name, column)
    blocks = {name: [table] for name, table in long.items()} | {"drivers": [kinds]}
    blocks["driver_values"] = [long["driver_values"], more]
    profile, origin = Profile("W", 52, 3), datetime.date.fromisoformat(str(ORIGIN))
    _, warnings = panels.panel(Inputs("digest", origin, blocks), profile)
    assert {one["code"]: one["count"] for one in warnings} == {"driver-none-ahead": 5, "driver-held": 3}
    ahead = more.set_column(3, "period", pa.array([period(WEEKS)], pa.date32()))
    _, warnings = panels.panel(
        Inputs("digest", origin, blocks | {"driver_values": [long["driver_values"], ahead]}), profile
    )
    assert {one["code"]: one["count"] for one in warnings} == {"driver-held": 3}
