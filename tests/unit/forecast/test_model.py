import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from services.forecast.engine.boosting import Fit
from services.forecast.engine.cells import QUANTILES, Cancelled, Cells, TooShort
from services.forecast.engine.features import FeatureBuilder
from services.forecast.engine.mean import MeanModel
from services.forecast.engine.metrics import wmape
from services.forecast.engine.model import Model
from services.forecast.engine.panel import DriverDefinition, DriverPanel
from services.forecast.engine.training import train
from tests.unit.forecast.conftest import panel_of, seasonal_demand

MEDIAN = QUANTILES.index(0.5)


def assert_sound(forecast):
    assert np.isfinite(forecast.mean).all()
    assert np.isfinite(forecast.quantiles).all()
    assert (forecast.mean >= 0).all()
    assert (forecast.quantiles >= 0).all()
    assert (np.diff(forecast.quantiles, axis=2) >= 0).all()
    assert ((forecast.dependence >= 0) & (forecast.dependence <= 1)).all()


def same(one, two) -> bool:
    return np.array_equal(one.mean, two.mean) and np.array_equal(one.quantiles, two.quantiles)


def test_learns_the_season(seasonal_panel, seasonal_model):
    truth = seasonal_demand(length=64)[:, 60:]
    forecast = seasonal_model.forecast(seasonal_panel)
    assert_sound(forecast)
    assert wmape(truth, forecast.mean) < 0.15
    assert wmape(truth, np.repeat(seasonal_panel.demand.mean(axis=1)[:, None], 4, axis=1)) > 0.25


def test_files_give_bit_identical_forecasts(seasonal_panel, seasonal_model):
    files = seasonal_model.to_files()
    loaded = Model.from_files(files, threads=2)
    assert same(loaded.forecast(seasonal_panel), seasonal_model.forecast(seasonal_panel))
    assert loaded.families == seasonal_model.families
    assert all(name.endswith((".json", ".ubj", ".npy")) for name in files)


def test_files_of_another_format_are_refused(seasonal_model):
    files = seasonal_model.to_files()
    files["model.json"] = json.dumps(json.loads(files["model.json"]) | {"format": 99}).encode()
    with pytest.raises(ValueError, match="format 99"):
        Model.from_files(files)


def test_a_champion_of_the_release_before_still_forecasts(seasonal_panel, seasonal_model):
    """Its files name no blend, and its mean has never seen a member."""
    names = [name for name in seasonal_model.families if not name.startswith("member_")]
    builder = FeatureBuilder(seasonal_panel, seasonal_model.recipe.codes)
    rows = builder.build(Cells.grid(len(seasonal_panel.series), 50, 4))
    mean = MeanModel.fit(builder.columns(names, rows.matrix), rows.target, Fit(threads=1))
    files = replace(seasonal_model, mean=mean).to_files()
    meta = json.loads(files["model.json"])
    meta |= {"format": 1, "families": {name: meta["families"][name] for name in names}}
    del meta["blend"], meta["recipe"]["ranges"]
    files["model.json"] = json.dumps(meta).encode()
    model = Model.from_files(files)
    assert model.recipe.ranges is None
    forecast = model.forecast(seasonal_panel)
    assert_sound(forecast)
    assert not same(forecast, seasonal_model.forecast(seasonal_panel))


def test_same_seed_same_model(seasonal_panel, seasonal_model):
    again = train(seasonal_panel, threads=1)
    assert same(again.forecast(seasonal_panel), seasonal_model.forecast(seasonal_panel))
    assert again.to_files() == seasonal_model.to_files()


def test_two_threads_give_the_same_bits():
    """Enough cells that threads are put to work."""
    panel = panel_of(seasonal_demand(n=170, length=48), horizon=4)
    one, two = train(panel, threads=1), train(panel, threads=2)
    assert one.to_files() == two.to_files()
    assert same(one.forecast(panel), two.forecast(panel))


def test_forecasts_a_newer_panel_with_other_series(seasonal_model):
    newer = panel_of(seasonal_demand(n=3, length=66, seed=9), horizon=2, category=["even", "new", "odd"])
    forecast = seasonal_model.forecast(newer)
    assert_sound(forecast)
    assert forecast.mean.shape == (3, 2)
    assert forecast.quantiles.shape == (3, 2, len(QUANTILES))
    assert forecast.flags["unseen_attribute"].tolist() == [False, True, False]


@pytest.mark.parametrize(("frequency", "season", "horizon"), [("W", 12, 4), ("M", 6, 4), ("M", 12, 5)])
def test_another_calendar_or_a_longer_horizon_is_refused(seasonal_model, frequency, season, horizon):
    panel = panel_of(seasonal_demand(n=2), frequency=frequency, season=season, horizon=horizon)
    with pytest.raises(ValueError, match="model"):
        seasonal_model.forecast(panel)


def hard_demand() -> np.ndarray:
    """Ordinary series, and one each: never sold, constant, without history, one point, huge, obsolete, ragged."""
    rng = np.random.default_rng(2)
    demand = rng.poisson(5, (20, 40)).astype(float)
    demand[0], demand[1], demand[2] = 0, 7, np.nan
    demand[3, :-1] = np.nan
    demand[3, -1] = 4
    demand[4] *= 1e15
    demand[5, 12:] = 0
    demand[6, :22] = np.nan
    return demand


def test_one_odd_series_never_sinks_the_run():
    panel = panel_of(hard_demand(), horizon=6)
    forecast = train(panel, threads=1).forecast(panel)
    assert_sound(forecast)
    assert not forecast.mean[0].any()
    assert not forecast.quantiles[0].any()
    assert forecast.mean[1] == pytest.approx(np.full(6, 7.0), rel=0.25)
    assert forecast.mean[4].mean() == pytest.approx(5e15, rel=0.5)
    assert forecast.mean[5].max() < 1
    assert forecast.flags["never_sold"].nonzero()[0].tolist() == [0]
    assert forecast.flags["no_history"].nonzero()[0].tolist() == [2]
    assert forecast.flags["short_history"].nonzero()[0].tolist() == [3]


@pytest.mark.parametrize("horizon", [3, 12])
def test_thirteen_periods_are_enough(horizon):
    panel = panel_of(np.random.default_rng(4).poisson(50, (12, 13)), horizon=horizon)
    forecast = train(panel, threads=1).forecast(panel)
    assert_sound(forecast)
    assert forecast.mean.mean() == pytest.approx(50, rel=0.15)


def test_a_constant_panel_is_forecast_exactly():
    panel = panel_of(np.full((6, 30), 7.0))
    forecast = train(panel, threads=1).forecast(panel)
    assert np.allclose(forecast.mean, 7, rtol=1e-4)
    assert np.allclose(forecast.quantiles, 7, rtol=1e-4)


@pytest.mark.parametrize("demand", [[[3.0]], [[0.0] * 30], [[3.0, 5.0, 4.0]]])
def test_nothing_to_learn_from_is_named(demand):
    with pytest.raises(TooShort, match="follow a first sale"):
        train(panel_of(demand), threads=1)


def promoted():
    """Demand doubles in promoted weeks, which nothing but the driver tells."""
    rng = np.random.default_rng(6)
    deal = (rng.random((30, 84)) < 0.3).astype(np.float32)
    demand = rng.poisson(40 * (1 + deal))
    driver = DriverPanel(DriverDefinition("deal", "promotion"), deal)
    return panel_of(demand[:, :80], frequency="W", horizon=4, season=4, drivers=(driver,)), demand[:, 80:]


def test_a_promotion_known_ahead_is_used_and_its_absence_flagged():
    panel, truth = promoted()
    model = train(panel, threads=1)
    forecast = model.forecast(panel)
    assert wmape(truth, forecast.mean) < 0.2
    assert model.families["deal:then"] == "promotion"
    assert model.recipe.ranges == {"deal": (0, 1)}
    assert not forecast.flags["driver_missing"].any()
    blind = model.forecast(replace(panel, drivers=()))
    assert_sound(blind)
    assert blind.flags["driver_missing"].all()


def test_progress_counts_up_to_its_total(seasonal_panel):
    heard = []
    train(seasonal_panel.until(40), threads=1, progress=lambda *step: heard.append(step))
    done = [step[0] for step in heard]
    assert done == sorted(set(done))
    assert heard[-1] == (heard[-1][1], heard[-1][1], "trained")


def test_cancelling_stops_within_a_boosting_round(seasonal_panel):
    asked = []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) > 5

    with pytest.raises(Cancelled):
        train(seasonal_panel, threads=1, cancelled=cancelled)
    assert len(asked) == 6


def test_attribute_values_may_be_missing(seasonal_model):
    panel = panel_of(seasonal_demand(n=2), horizon=4, category=pd.Series(["even", None]))
    assert_sound(seasonal_model.forecast(panel))
