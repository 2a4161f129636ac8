"""What held-out blocks teach of aggregates, and what a model makes of it."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from services.forecast.engine.aggregation import Margins
from services.forecast.engine.cells import QUANTILES
from services.forecast.engine.hierarchy import Hierarchy, Rule
from services.forecast.engine.hierarchy_learning import learn
from services.forecast.engine.history import History, Memory
from services.forecast.engine.levels import levels
from services.forecast.engine.model import Model
from services.forecast.engine.node_statistics import Recent, node_statistics
from services.forecast.engine.rehearsal import Rehearsal, deviation

N, LENGTH, STEPS = 40, 60, np.arange(1, 5)
ORIGINS = (43, 47, 51, 55)
SERIES = pd.DataFrame(
    {"item": [f"{row:03d}" for row in range(N)], "location": "north", "band": [str(row % 4) for row in range(N)]}
)


def demand(seed: int = 1, shared: float = 0.0) -> np.ndarray:
    """Level demand [N, LENGTH] around 100 with deviation 10, of which `shared` is common to all."""
    random = np.random.default_rng(seed)
    common, own = random.standard_normal(LENGTH), random.standard_normal((N, LENGTH))
    return 100 + 10 * (np.sqrt(shared) * common + np.sqrt(1 - shared) * own)


def rehearsed(came: np.ndarray, too_high: float = 1.0) -> list[Rehearsal]:
    """Means of 100, times a bias, at each origin."""
    told = np.full((N, len(STEPS)), 100 * too_high)
    return [Rehearsal(at, STEPS, came[:, at + STEPS], told, np.full_like(told, 10)) for at in ORIGINS]


def learned(came: np.ndarray, rehearsals: list[Rehearsal]) -> Hierarchy:
    return learn(levels(SERIES), History(came, Memory.of("M", 1)), 1, rehearsals)


def test_statistics_are_heard_where_sums_are_biased():
    came = demand()
    found = learned(came, rehearsed(came, too_high=1.2))
    assert found.rules["total"].level > 0.25
    told, deviation = np.full((N, 4), 120.0), np.full((N, 4), 10.0)
    factors = found.factors(levels(SERIES), History(came, Memory.of("M", 1)), 1, told, deviation)
    np.testing.assert_allclose(factors, factors.mean(), rtol=0.02)
    assert 100 < 120 * factors.mean() < 115


def test_sums_that_are_right_are_left_alone():
    came = demand()
    rules = learned(came, rehearsed(came)).rules.values()
    assert max(max(rule.level, rule.shape) for rule in rules) < 0.1


def test_one_block_that_says_so_is_hardly_heard():
    came = demand()
    one = rehearsed(came, too_high=1.2)[:1] + rehearsed(came, too_high=0.8)[1:]
    mixed = [*one[:2], *rehearsed(came)[2:]]
    assert learned(came, mixed).rules["total"].level <= learned(came, rehearsed(came, 1.2)).rules["total"].level


@pytest.mark.parametrize("shared", [0.0, 0.3])
def test_the_share_that_items_have_in_common_is_found(shared):
    found = [learned(came, rehearsed(came)) for came in (demand(seed, shared) for seed in range(8))]
    total = np.mean([sum(rule.share for rule in one.rules.values()) for one in found])
    assert total == pytest.approx(shared, abs=0.1)


def test_without_a_rehearsal_nothing_is_learned():
    assert learned(demand(), []) == Hierarchy.none()


def test_unknown_demand_counts_on_neither_side():
    came = demand()
    holes = came.copy()
    holes[::2, 50:] = np.nan
    rules = learned(holes, rehearsed(holes)).rules
    assert max(rule.level for rule in rules.values()) < 0.1


def test_a_stock_out_leaves_no_dent_in_what_statistics_read():
    came = np.full((N, LENGTH), 100.0)
    came[:20, -3:] = np.nan
    total = levels(SERIES)[0]
    recent = Recent.of(History(came, Memory.of("M", 1)), 1, [LENGTH - 1])
    told = node_statistics(recent, 1, total, [LENGTH - 1], 2)[0]
    np.testing.assert_allclose(told, 100 * N, rtol=1e-4)


def test_a_deviation_is_that_of_the_quantiles():
    drawn = np.random.default_rng(1).gamma(4, 5, 100_000)
    assert deviation(np.quantile(drawn, QUANTILES)) == pytest.approx(drawn.std(), rel=0.1)


def test_a_forecast_is_moved_with_its_quantiles(seasonal_model, seasonal_panel):
    plain = Model(**vars(seasonal_model) | {"hierarchy": Hierarchy.none()}).forecast(seasonal_panel)
    assert (plain.reconciled == 1).all()
    moved = Model(**vars(seasonal_model) | {"hierarchy": Hierarchy({"total": Rule(level=0.5)})}).forecast(
        seasonal_panel
    )
    factor = moved.reconciled
    assert (factor != 1).all()
    np.testing.assert_allclose(factor, np.broadcast_to(factor[:, :1], factor.shape))
    np.testing.assert_allclose(moved.mean, plain.mean * factor, rtol=1e-6)
    np.testing.assert_allclose(moved.quantiles, plain.quantiles * factor[..., None], rtol=1e-6)


def test_a_shape_moves_demand_between_periods_alone(seasonal_model, seasonal_panel):
    plain, shaped = (
        Model(**vars(seasonal_model) | {"hierarchy": Hierarchy(rules)}).forecast(seasonal_panel)
        for rules in ({}, {"total": Rule(shape=0.5)})
    )
    assert shaped.mean.sum() == pytest.approx(plain.mean.sum())
    assert shaped.mean[0].tolist() != plain.mean[0].tolist()


def test_sums_are_not_mended_at_the_cost_of_items():
    """One item is told five times its demand, all others are right: mending the total would put them wrong."""
    came = demand()
    rehearsals = [
        replace(one, mean=np.where(SERIES[["item"]] == "000", 500, one.demand), deviation=np.full((N, 4), 60.0))
        for one in rehearsed(came)
    ]
    rules = learned(came, rehearsals).rules.values()
    assert {(rule.level, rule.shape) for rule in rules} == {(0, 0)}


def test_a_season_that_sums_lack_is_heard_as_a_shape():
    cycle = 1 + 0.5 * np.sin(2 * np.pi * np.arange(LENGTH) / 4)
    came = demand() * cycle
    found = learn(levels(SERIES), History(came, Memory.of("M", 4)), 4, rehearsed(came))
    assert found.rules["total"].shape > 0.25
    assert found.rules["total"].level < 0.1


def test_a_model_keeps_its_rules(seasonal_model, seasonal_panel):
    rules = Hierarchy({"total": Rule(0.4, 0.2, 0.2), "category": Rule(0.1, 0.0, 0.3)})
    files = Model(**vars(seasonal_model) | {"hierarchy": rules}).to_files()
    loaded = Model.from_files(files)
    assert loaded.hierarchy == rules
    names = levels(seasonal_panel.series)
    found = loaded.forecast(seasonal_panel)
    total, category = loaded.aggregates(
        seasonal_panel.series, Margins(found.mean, found.quantiles, found.dependence), names
    )
    np.testing.assert_allclose(total.mean[0], found.mean.sum(axis=0))
    np.testing.assert_allclose(category.mean.sum(axis=0), found.mean.sum(axis=0))


def test_a_model_of_the_release_before_forecasts_as_it_did(seasonal_model, seasonal_panel):
    files = seasonal_model.to_files()
    meta = json.loads(files["model.json"])
    del meta["hierarchy"]
    loaded = Model.from_files(files | {"model.json": json.dumps(meta).encode()})
    assert loaded.hierarchy == Hierarchy.none()
    assert (loaded.forecast(seasonal_panel).reconciled == 1).all()
