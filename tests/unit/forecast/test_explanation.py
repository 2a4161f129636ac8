from dataclasses import replace

import numpy as np
import pytest

from services.forecast.engine.cross_section import CrossSection
from services.forecast.engine.explanation import (
    RECONCILIATION,
    SHOCK,
    Explainer,
    Explanation,
    change,
    explain,
)
from services.forecast.engine.panel import DriverDefinition, DriverPanel
from services.forecast.engine.training import train
from tests.unit.forecast.conftest import panel_of, seasonal_demand

CHOSEN = np.array([2, 5, 11])


@pytest.fixture(scope="module")
def promoted():
    """Demand doubles in promoted weeks; the next ones are, are not, are, are not."""
    rng = np.random.default_rng(6)
    deal = (rng.random((30, 84)) < 0.3).astype(np.float32)
    deal[:, 80:] = [1, 0, 1, 0]
    driver = DriverPanel(DriverDefinition("deal", "promotion"), deal)
    demand = rng.poisson(40 * (1 + deal[:, :80]))
    panel = panel_of(demand, frequency="W", horizon=4, season=4, drivers=(driver,))
    return panel, train(panel, threads=1)


def test_causes_sum_to_the_forecast(seasonal_panel, seasonal_model):
    found = explain(seasonal_model, seasonal_panel, CHOSEN)
    told = seasonal_model.forecast(seasonal_panel)
    forecast = (told.mean / told.reconciled)[CHOSEN].ravel()
    assert np.allclose(found.mean, forecast, rtol=1e-12)
    assert np.allclose(found.base + found.units.sum(axis=1), forecast, rtol=1e-9)


def test_the_season_is_what_moves_a_seasonal_demand(seasonal_panel, seasonal_model):
    found = explain(seasonal_model, seasonal_panel, np.arange(24))
    size = dict(zip(found.causes, np.abs(found.logs).mean(axis=0), strict=True))
    learned = {cause: size[cause] for cause in ("recent_demand", "season", "calendar", "series", "horizon")}
    assert max(learned, key=learned.__getitem__) in {"season", "recent_demand"}
    assert learned["season"] > 3 * learned["series"]


def test_a_promotion_explains_the_weeks_that_have_it(promoted):
    panel, model = promoted
    found = explain(model, panel, np.arange(30))
    effect = found.units[:, found.causes.index("promotion")].reshape(30, 4)
    assert (effect[:, [0, 2]] > 5).all()
    assert (effect[:, [1, 3]] < 0).all()


def test_what_if_and_explanation_agree_in_sign(promoted):
    panel, model = promoted
    driver = panel.drivers[0]
    without = replace(driver, matrix=np.concatenate([driver.matrix[:, :80], np.zeros((30, 4))], axis=1))
    lost = model.forecast(panel).mean - model.forecast(replace(panel, drivers=(without,))).mean
    effect = explain(model, panel, np.arange(30))
    promotion = effect.units[:, effect.causes.index("promotion")].reshape(30, 4)
    assert (lost[:, [0, 2]] > 5).all()
    assert (promotion[:, [0, 2]] * lost[:, [0, 2]] > 0).all()


def test_a_series_that_never_sold_and_one_without_history():
    demand = np.random.default_rng(2).poisson(5, (20, 40)).astype(float)
    demand[0], demand[1] = 0, np.nan
    panel = panel_of(demand)
    found = explain(train(panel, threads=1), panel, np.array([0, 1]))
    assert not found.base[:3].any()
    assert not found.units[:3].any()
    assert np.isnan(found.units[3:]).all()


def test_the_same_forecast_has_not_changed(seasonal_panel, seasonal_model):
    found = explain(seasonal_model, seasonal_panel, CHOSEN)
    assert not change(found, found, found, found).units.any()


def test_a_change_is_shared_out_among_news_revision_and_model(seasonal_panel, seasonal_model):
    """The old origin is a period earlier, a sale was booked late, and another model took over."""
    whole = panel_of(seasonal_demand(length=61), horizon=4, category=["even", "odd"] * 12)
    late = whole.demand.copy()
    late[:, 59] *= 0.5
    before = explain(seasonal_model, replace(whole, demand=late).until(60), CHOSEN)
    restated = explain(seasonal_model, whole.until(60), CHOSEN)
    now = explain(seasonal_model, whole, CHOSEN)
    overlap = [_steps(before, 1), _steps(restated, 1), _steps(now, 0)]
    found = change(*overlap, replace(overlap[2], mean=overlap[2].mean * 1.1))
    assert np.allclose(found.units.sum(axis=1), found.after - found.before, rtol=1e-9)
    revision, version = found.units[:, -2], found.units[:, -1]
    assert (revision * (overlap[1].mean - overlap[0].mean) > 0).all()
    assert np.allclose(version / np.log(1.1), (found.after - found.before) / np.log(found.after / found.before))


def test_a_forecast_that_falls_to_zero_is_still_shared_out(seasonal_panel, seasonal_model):
    found = explain(seasonal_model, seasonal_panel, CHOSEN)
    gone = change(found, found, found, replace(found, mean=np.zeros_like(found.mean)))
    assert np.allclose(gone.units[:, -1], -found.mean)


def test_what_was_done_to_the_mean_is_a_cause_of_its_own(seasonal_panel, seasonal_model):
    found = explain(seasonal_model, seasonal_panel, CHOSEN)
    shocked = found.brought_to(found.mean * 1.5 + 2, SHOCK)
    whole = shocked.brought_to(shocked.mean * 0.9, RECONCILIATION)
    assert np.allclose(whole.base + whole.units.sum(axis=1), (found.mean * 1.5 + 2) * 0.9, rtol=1e-9)
    assert (whole.units[:, -2] > 0).all()
    assert (whole.units[:, -1] < 0).all()
    rounded = found.brought_to(found.mean * (1 + 1e-8), RECONCILIATION)
    assert rounded.causes == found.causes
    assert np.allclose(rounded.base + rounded.units.sum(axis=1), found.mean * (1 + 1e-8), rtol=1e-12)


def test_a_shock_that_came_since_is_no_change_of_the_model(seasonal_panel, seasonal_model):
    found = explain(seasonal_model, seasonal_panel, CHOSEN)
    after = found.brought_to(found.mean * 2, SHOCK)
    units = dict(zip((told := change(found, found, found, after)).causes, told.units.T, strict=True))
    assert np.allclose(units.pop(SHOCK), found.mean, rtol=1e-9)
    assert not any(np.abs(rest).max() > 1e-6 for rest in units.values())


def test_a_part_of_a_panel_is_explained_as_in_the_whole(promoted):
    """Whatever the other series do to one's features is in the profile, which is handed on."""
    panel, model = promoted
    profile = model.forecast(panel).profile
    chosen = np.array([7])
    part = panel.take(chosen)
    told = replace(CrossSection.of(part), profile=profile)
    whole, found = explain(model, panel, chosen), Explainer(model, part, told).explain(np.array([0]))
    assert np.allclose(found.mean, whole.mean, rtol=1e-6)
    assert np.allclose(found.logs, whole.logs, atol=1e-6)
    assert not np.allclose(explain(model, part, np.array([0])).logs, whole.logs, atol=1e-3)


def _steps(found: Explanation, first: int) -> Explanation:
    """Three steps of four, from `first` on."""
    return found.take(np.arange(len(found.mean)).reshape(-1, 4)[:, first : first + 3].ravel())
