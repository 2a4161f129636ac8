from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.forecast.engine.attributes import Codes
from services.forecast.engine.cells import Cells
from services.forecast.engine.features import FeatureBuilder
from services.forecast.engine.panel import DriverDefinition, DriverPanel, Panel
from tests.unit.forecast.conftest import panel_of, seasonal_demand

LENGTH, HORIZON = 30, 3
DEMAND = seasonal_demand(5, LENGTH)


def drivers(price: np.ndarray, index: np.ndarray) -> tuple[DriverPanel, ...]:
    late = DriverDefinition("index", "economic", known_ahead=False, publication_delay=2)
    return DriverPanel(DriverDefinition("price", "price"), price), DriverPanel(late, index)


def full_panel(demand: np.ndarray, price: np.ndarray, index: np.ndarray) -> Panel:
    return panel_of(demand, horizon=HORIZON, drivers=drivers(price, index), category=list("aabbb"))


def features(panel: Panel, *cells: tuple[int, int, int]):
    builder = FeatureBuilder(panel, Codes.of(panel.series))
    rows = builder.build(Cells(*(np.array(column) for column in zip(*cells, strict=True))))
    return pd.DataFrame(rows.matrix, columns=list(builder.names)), rows


def line(offset: float) -> np.ndarray:
    return offset + np.arange(5 * (LENGTH + HORIZON), dtype=np.float32).reshape(5, -1)


@settings(max_examples=25, deadline=None)
@given(st.integers(3, LENGTH - 1), st.integers(0, 4), st.integers(1, HORIZON), st.integers(0, 10**6))
def test_nothing_after_the_origin_is_seen_but_drivers_known_ahead(origin, series, step, seed):
    rng = np.random.default_rng(seed)
    demand, index = DEMAND.copy(), line(1)
    cell = series, origin, step
    before, _ = features(full_panel(demand, line(5), index), cell)
    demand[:, origin + 1 :] = rng.uniform(0, 1e4, demand[:, origin + 1 :].shape)
    index[:, origin:] = rng.uniform(0, 1e4, index[:, origin:].shape)  # published two periods late
    after, _ = features(full_panel(demand, line(5), index), cell)
    pd.testing.assert_frame_equal(before, after)


def test_a_known_price_is_read_at_the_target():
    price = line(5)
    table, _ = features(full_panel(DEMAND, price, line(1)), (2, 20, 3))
    assert table["price:then"][0] == price[2, 23]
    assert table["price:now"][0] == price[2, 20]
    assert table["price:relative"][0] == pytest.approx(price[2, 23] / price[2, 9:21].mean())


def test_a_price_is_held_against_that_of_its_rivals():
    price = line(5)
    table, _ = features(full_panel(DEMAND, price, line(1)), (2, 20, 3))
    relative = [price[series, 23] / price[series, 12:24].mean() for series in (2, 3, 4)]  # category b
    assert table["price:gap"][0] == pytest.approx(table["price:relative"][0] / np.mean(relative))


def test_a_past_only_driver_is_read_when_it_was_published():
    index = line(1)
    table, _ = features(full_panel(DEMAND, line(5), index), (1, 20, 1))
    assert table["index:latest"][0] == index[1, 19]


def test_demand_features_are_relative_to_the_level():
    table, rows = features(full_panel(DEMAND, line(5), line(1)), (0, 23, 2))
    level = DEMAND[0, 12:24].mean()
    assert rows.scale[0] == pytest.approx(level)
    assert rows.target[0] == pytest.approx(DEMAND[0, 25] / level)
    assert table["lag_1"][0] == pytest.approx(DEMAND[0, 23] / level)
    assert table["mean_3"][0] == pytest.approx(DEMAND[0, 21:24].mean() / level)
    assert table["season_12_1"][0] == pytest.approx(DEMAND[0, 13] / level)
    assert table["season_12_2"][0] == pytest.approx(DEMAND[0, 1] / level)
    assert table["season_12_mean"][0] == pytest.approx(DEMAND[0, [1, 13]].mean() / level)
    assert table["season_12_near"][0] == pytest.approx(DEMAND[0, 12:15].mean() / level)


def test_features_do_not_depend_on_the_unit_of_measure():
    small, _ = features(full_panel(DEMAND, line(5), line(1)), (3, 25, 2))
    large, _ = features(full_panel(DEMAND * 8, line(5), line(1)), (3, 25, 2))
    pd.testing.assert_frame_equal(small.drop(columns="log_level"), large.drop(columns="log_level"), rtol=1e-5)


def test_every_feature_has_a_family():
    panel = full_panel(DEMAND, line(5), line(1))
    builder = FeatureBuilder(panel, Codes.of(panel.series))
    assert builder.families["price:gap"] == "price"
    assert builder.families["index:latest"] == "economic"
    assert builder.families["code_category"] == "series"
    assert {"recent_demand", "season", "calendar", "intermittency", "horizon"} <= set(builder.families.values())
    assert set(builder.spread) < set(builder.names)


@pytest.mark.parametrize("name", ["price:now", "price_now", "horizon", "lag_1", "code_category", "calendar_week"])
def test_a_driver_may_bear_the_name_of_a_feature(name):
    drivers = tuple(DriverPanel(DriverDefinition(driver, "price"), line(5)) for driver in ("price", name))
    panel = replace(full_panel(DEMAND, line(5), line(1)), drivers=drivers)
    builder = FeatureBuilder(panel, Codes.of(panel.series))
    rows = builder.build(Cells.grid(5, 20, 1))
    assert rows.matrix.shape == (5, len(builder.names))


def test_a_code_names_groups_and_never_a_single_series():
    alone = panel_of(DEMAND, location=list("vwxyz"))
    grid = panel_of(DEMAND[:4], item=["1", "1", "2", "2"], location=["n", "s", "n", "s"])
    assert Codes.of(alone.series) == Codes({})
    assert Codes.of(grid.series) == Codes({"item": ("1", "2"), "location": ("n", "s")})


def test_unseen_and_missing_attribute_values_are_nan():
    codes = Codes.of(pd.DataFrame({"category": ["b", "a", None], "shelf_life": [3.0, 9.0, 5.0]}))
    new = pd.DataFrame({"category": ["b", "z", None], "shelf_life": [4.0, None, 1.0]})
    encoded = codes.encode(new)
    assert np.array_equal(encoded["category"], [1, np.nan, np.nan], equal_nan=True)
    assert np.array_equal(encoded["shelf_life"], [4, np.nan, 1], equal_nan=True)
    assert codes.unseen(new).tolist() == [False, True, False]
