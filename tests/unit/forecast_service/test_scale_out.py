"""A forecast on a cluster is the forecast of one process, bit for bit."""

import numpy as np
import pytest

from services.forecast.engine import cross_section
from services.forecast.engine.explanation import explain, explain_all
from services.forecast.engine.model import Model
from services.forecast.engine.panel import DriverDefinition, DriverPanel
from services.forecast.engine.training import train
from tests.unit.forecast.conftest import panel_of, seasonal_demand

distributed = pytest.importorskip("distributed", reason="the extra `dask` is not installed")

from services.forecast.forecasts import scale_out  # noqa: E402  it imports Dask

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


@pytest.fixture(scope="module")
def cluster():
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        yield cluster.scheduler_address


@pytest.fixture
def model(panel):
    return train(panel, threads=1)


def test_two_workers_give_the_bits_of_one_process(panel, model, cluster):
    alone = model.forecast(panel)
    hands = scale_out.Cluster(cluster, model, model.to_files())
    spread, told = hands.forecast(panel), hands.explain(panel)
    assert np.array_equal(spread.mean, alone.mean)
    assert np.array_equal(spread.quantiles, alone.quantiles)
    assert np.array_equal(spread.dependence, alone.dependence)
    assert np.array_equal(spread.periods, alone.periods)
    assert all(np.array_equal(spread.flags[name], alone.flags[name]) for name in alone.flags)
    assert spread.mean[7].any()  # of its peers, most of whom other blocks hold
    for explained in (explain(model, panel, np.arange(SERIES)), explain_all(model, panel)):
        assert told.causes == explained.causes
        for name in ("base", "logs", "mean"):
            assert np.array_equal(getattr(told, name), getattr(explained, name), equal_nan=True)


def test_a_process_loads_a_model_once_whatever_the_number_of_blocks(panel, model, monkeypatch):
    files, loaded = model.to_files(), []
    load = Model.from_files
    monkeypatch.setattr(Model, "from_files", lambda files, **how: loaded.append(how) or load(files, **how))
    scale_out._model.cache_clear()
    one_process = {"n_workers": 1, "threads_per_worker": 1, "processes": False}
    with distributed.LocalCluster(**one_process, dashboard_address=None) as cluster:
        scale_out.Cluster(cluster.scheduler_address, model, files).forecast(panel)
        scale_out.Cluster(cluster.scheduler_address, model, files).explain(panel)
    assert loaded == [{"threads": 1}]
