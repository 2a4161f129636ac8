"""A forecast on a cluster is the forecast of one process, bit for bit."""

import numpy as np
import pytest

from services.forecast.engine import cross_section
from services.forecast.engine.explanation import explain
from services.forecast.engine.panel import DriverDefinition, DriverPanel
from services.forecast.engine.training import train
from tests.unit.forecast.conftest import panel_of, seasonal_demand

distributed = pytest.importorskip("distributed", reason="the extra `dask` is not installed")

SERIES, LENGTH, HORIZON = 30, 60, 4


@pytest.fixture
def panel(monkeypatch):
    """Six blocks: late starters, a series without history, two shops, a price."""
    monkeypatch.setattr(cross_section, "_BLOCK_SERIES", 5)
    demand = seasonal_demand(SERIES, LENGTH)
    demand[3, :40], demand[7] = np.nan, np.nan
    price = np.random.default_rng(4).uniform(1, 2, (SERIES, LENGTH + HORIZON)).astype(np.float32)
    drivers = (DriverPanel(DriverDefinition("price", "price"), price),)
    return panel_of(demand, horizon=HORIZON, drivers=drivers, location=["north", "south"] * 15)


def test_two_workers_give_the_bits_of_one_process(panel):
    from services.forecast.forecasts import scale_out  # noqa: PLC0415  it imports Dask

    model = train(panel, threads=1)
    alone = model.forecast(panel)
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        spread = scale_out.forecast(model.to_files(), panel, cluster.scheduler_address)
        told = scale_out.explain(model.to_files(), panel, cluster.scheduler_address)
    assert np.array_equal(spread.mean, alone.mean)
    assert np.array_equal(spread.quantiles, alone.quantiles)
    assert np.array_equal(spread.dependence, alone.dependence)
    assert np.array_equal(spread.periods, alone.periods)
    assert all(np.array_equal(spread.flags[name], alone.flags[name]) for name in alone.flags)
    assert spread.mean[7].any()  # of its peers, most of whom other blocks hold
    explained = explain(model, panel, np.arange(SERIES))
    for name in ("base", "logs", "mean"):
        assert np.array_equal(getattr(told, name), getattr(explained, name), equal_nan=True)
