"""Unknown driver values: a level is held into the future, a promotion that nobody announced is none."""

import datetime

import numpy as np
import pyarrow as pa
import pytest

from services.forecast import panels
from services.forecast.engine.panel import DriverDefinition, DriverPanel
from services.forecast.inputs import Inputs
from services.forecast.panels import Profile

NAN = np.nan
HISTORY = 3


def complete(kind, rows, *, known_ahead=True):
    matrix = np.array(rows, dtype=np.float32)
    driver = DriverPanel(DriverDefinition("d", kind, known_ahead), matrix)
    begun = int((~np.isnan(matrix)).any(axis=0).argmax())
    found, warning = panels.complete(driver, HISTORY, begun, np.ones(len(matrix), dtype=int))
    assert np.array_equal(driver.matrix, np.array(rows, dtype=np.float32), equal_nan=True)
    return found.matrix.tolist(), warning and (warning["code"], warning["count"])


def test_a_price_is_held_from_its_last_known_value_on():
    values, warning = complete("price", [[1, NAN, 3, NAN, NAN], [1, 2, NAN, NAN, 5], [1, 1, 1, 1, 1]])
    np.testing.assert_array_equal(values, [[1, NAN, 3, 3, 3], [1, 2, NAN, 2, 5], [1, 1, 1, 1, 1]])
    assert warning == ("driver-held", 2)


def test_a_price_that_is_known_needs_no_warning():
    assert complete("price", [[NAN, 1, 2, 3, 4]])[1] is None


def test_a_price_without_any_value_stays_unknown():
    values, warning = complete("price", [[NAN] * 5, [1, 1, 1, 1, 1]])
    assert np.isnan(values[0]).all()
    assert warning is None


def test_a_driver_not_known_ahead_has_no_future():
    values, warning = complete("weather", [[1, 2, 3, NAN, NAN]], known_ahead=False)
    np.testing.assert_array_equal(values, [[1, 2, 3, NAN, NAN]])
    assert warning is None


def test_a_promotion_is_none_where_no_row_tells_of_one_since_the_first():
    values, warning = complete("promotion", [[NAN, NAN, 1, NAN, NAN], [NAN, 1, NAN, NAN, 1]])
    np.testing.assert_array_equal(values, [[NAN, 0, 1, 0, 0], [NAN, 1, 0, 0, 1]])
    assert warning is None


def test_promotions_that_end_with_the_history_are_told():
    assert complete("event", [[1, NAN, 1, NAN, NAN]])[1] == ("driver-none-ahead", 1)


def days(*texts):
    return pa.array([datetime.date.fromisoformat(text) for text in texts], pa.date32())


@pytest.fixture
def tables():
    return {
        "demand": pa.table(
            {
                "item": ["A", "A", "A", "B"],
                "location": ["L"] * 4,
                "period": days("2024-01-01", "2024-01-15", "2024-01-22", "2024-01-15"),
                "quantity": [1.0, 3.0, 4.0, 9.0],
                "in_stock": [True, True, False, True],
            }
        ),
        "items": pa.table({"item": ["A", "B"], "category": ["food", None]}),
        "locations": pa.table({"location": ["L"], "region": pa.array([None], pa.string()), "kind": ["store"]}),
        "drivers": pa.table(
            {
                "driver": ["price", "unused"],
                "kind": ["price", "event"],
                "known_ahead": [True, True],
                "scope": ["item", "global"],
                "publication_delay": [1, 1],
            }
        ),
        "driver_values": pa.table(
            {
                "driver": ["price", "price"],
                "item": ["A", "B"],
                "location": pa.array([None, None], pa.string()),
                "period": days("2024-01-01", "2024-01-29"),
                "value": [2.0, 5.0],
            }
        ),
    }


def test_the_panel_of_an_area(tables):
    inputs = Inputs("digest", datetime.date(2024, 1, 29), {name: [table] for name, table in tables.items()})
    panel, warnings = panels.panel(inputs, Profile("W", 52, 2))
    assert panel.series[["item", "location", "category", "kind"]].fillna("").to_numpy().tolist() == [
        ["A", "L", "food", "store"],
        ["B", "L", "", "store"],
    ]
    np.testing.assert_array_equal(panel.demand, [[1, 0, 3, NAN, 0], [NAN, NAN, 9, 0, 0]])
    assert panel.future.astype(str).tolist() == ["2024-02-05", "2024-02-12"]
    np.testing.assert_array_equal(panel.drivers[0].matrix[:, -2:], [[2, 2], [5, 5]])
    assert [warning["code"] for warning in warnings] == ["driver-without-values", "driver-held"]
