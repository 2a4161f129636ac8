"""What all series tell together does not depend on how they are cut into blocks, and forecasts do not either."""

import numpy as np
import pytest

from services.forecast.engine import cross_section
from services.forecast.engine.cross_section import CrossSection, blocks
from services.forecast.engine.panel import DriverDefinition, DriverPanel, Panel
from services.forecast.engine.training import train
from tests.unit.forecast.conftest import panel_of, seasonal_demand

SERIES, LENGTH, HORIZON = 23, 60, 4


@pytest.fixture
def priced_panel() -> Panel:
    """Late starters, one series without history, two shops, and a price that differs between series."""
    demand = seasonal_demand(SERIES, LENGTH)
    demand[3, :40], demand[7] = np.nan, np.nan
    price = np.random.default_rng(4).uniform(1, 2, (SERIES, LENGTH + HORIZON)).astype(np.float32)
    shop = ["north", "south"] * 11 + ["north"]
    definition = DriverDefinition("price", "price")
    return panel_of(demand, horizon=HORIZON, drivers=(DriverPanel(definition, price),), location=shop)


def test_blocks_cover_every_series_once_and_hold_fewer_of_long_histories():
    assert [(part.start, part.stop) for part in blocks(2500, 100)] == [(0, 1024), (1024, 2048), (2048, 2500)]
    assert [(part.start, part.stop) for part in blocks(5, 2_000_000)] == [(0, 2), (2, 4), (4, 5)]
    assert [(part.start, part.stop) for part in blocks(2, 9_000_000)] == [(0, 1), (1, 2)]


def test_the_profile_is_the_mean_of_demand_relative_to_each_series_own_mean():
    demand = np.array([[2.0, 4.0, 6.0], [np.nan, 10.0, 20.0]])
    profile = CrossSection.of(panel_of(demand)).profile
    assert profile == pytest.approx([1, (4 / 3 + 1) / 2, (6 / 4 + 20 / 15) / 2])


def test_a_market_is_the_mean_relative_price_of_the_same_location():
    price = np.ones((3, 5), dtype=np.float32)
    price[0, 4], price[2, 4] = 4, 9
    drivers = (DriverPanel(DriverDefinition("price", "price"), price),)
    panel = panel_of(np.ones((3, 2)), horizon=3, drivers=drivers, location=["a", "a", "b"])
    found = CrossSection.of(panel)
    relative = [4 / (8 / 5), 1, 9 / (13 / 5)]
    assert found.rivals.tolist() == [0, 0, 1]
    assert found.markets["price"][4] == pytest.approx([(relative[0] + relative[1]) / 2, relative[2]])


def test_forecasts_do_not_depend_on_how_series_are_cut_into_blocks(priced_panel, monkeypatch):
    model = train(priced_panel, threads=1)
    whole = model.forecast(priced_panel)
    monkeypatch.setattr(cross_section, "_BLOCK_SERIES", 5)
    cut = model.forecast(priced_panel)
    assert cut.mean == pytest.approx(whole.mean, rel=1e-6)
    assert cut.quantiles == pytest.approx(whole.quantiles, rel=1e-6)
    assert cut.mean[7].any()  # of its peers, who are in other blocks
    assert all(np.array_equal(cut.flags[name], whole.flags[name]) for name in whole.flags)
