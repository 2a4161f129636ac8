"""Figures by groups: one case by hand, and on random data the same as the engine's own scores."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.forecast.engine import metrics
from services.forecast.engine.accuracy import Scales, Tally
from services.forecast.engine.cells import QUANTILES

K = len(QUANTILES)
MEDIAN = QUANTILES.index(0.5)


def flat(mean):
    """Quantiles that all equal the mean."""
    return np.repeat(np.asarray(mean, dtype=float)[..., None], K, axis=-1)


def test_a_case_by_hand():
    history = np.array([[2.0, 4.0, 2.0, 4.0]])  # steps of 2; a season of 1 has a mean absolute difference of 2
    demand, mean = np.array([[10.0, np.nan, 6.0]]), np.array([[12.0, 5.0, 5.0]])
    quantiles = flat(mean)
    quantiles[0, 0, :2] = 9.0, 10.0  # the 80 % interval begins at the demand itself
    tally = Tally(1)
    censored = np.array([[False, True, False]])
    tally.add(np.array([0]), demand, censored, mean, quantiles, Scales.of(history, 1))
    (figures,) = tally.figures()
    assert (figures.n, figures.censored, figures.series) == (2, 1, 1)
    assert figures.wmape == pytest.approx((2 + 1) / 16)
    assert figures.bias == pytest.approx((2 - 1) / 16)
    assert figures.rmsse == pytest.approx(np.sqrt((4 + 1) / 2) / 2)
    # Demand 10: at level 0.1 no loss, at the others (1 - level) x 2; demand 6: level x 1. Levels 0.1 ... 0.9.
    losses = [2 * 2 * (0.8 + 0.7 + 0.6 + 0.5 + 0.4 + 0.3 + 0.2 + 0.1) / 9, 2 * 4.5 / 9]
    assert figures.scaled_pinball == pytest.approx(np.mean(losses) / 2)
    assert (figures.coverage_80, figures.coverage_95) == (0.5, 0.5)


def test_series_without_a_scale_are_left_out_and_counted():
    history = np.array([[3.0, 3.0, 3.0], [np.nan, np.nan, 7.0], [1.0, 2.0, 4.0]])
    demand, mean = np.array([[1.0], [1.0], [1.0]]), np.array([[2.0], [2.0], [2.0]])
    tally = Tally(1)
    tally.add(np.zeros(3, int), demand, np.zeros((3, 1), bool), mean, flat(mean), Scales.of(history, 2))
    (figures,) = tally.figures()
    assert (figures.series, figures.rmsse_left_out, figures.scaled_pinball_left_out) == (3, 2, 2)
    assert figures.rmsse == pytest.approx(1 / np.sqrt(2.5))


def test_a_group_without_cells_has_no_figures_and_one_of_stock_outs_has_none_defined():
    nothing = np.full((1, 2), np.nan)
    tally = Tally(2)
    tally.add(np.array([1]), nothing, ~np.isnan(flat([[1, 1]])[..., 0]), flat([[1, 1]])[..., 0], flat([[1, 1]]), SCALE)
    empty, censored = tally.figures()
    assert empty is None
    assert (censored.n, censored.censored, censored.wmape, censored.coverage_80) == (0, 2, None, None)


SCALE = Scales(np.array([1.0]), np.array([1.0]))


@st.composite
def cases(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    b, h, t, season = (draw(st.integers(1, most)) for most in (8, 5, 30, 8))
    history = np.where(rng.random((b, t)) < 0.2, np.nan, rng.poisson(3, (b, t)).astype(float))
    demand = np.where(rng.random((b, h)) < 0.2, np.nan, rng.poisson(3, (b, h)).astype(float))
    quantiles = np.sort(rng.gamma(2, 2, (b, h, K)), axis=-1)
    return history, demand, rng.gamma(2, 2, (b, h)), quantiles, season, rng.integers(0, 3, b)


@given(cases())
@settings(max_examples=200, deadline=None)
def test_each_groups_figures_are_the_engines_scores(case):
    history, demand, mean, quantiles, season, group = case
    tally = Tally(3)
    half = len(group) // 2
    for part in (slice(0, half), slice(half, None)):
        nothing = np.zeros(demand[part].shape, bool)
        scales = Scales.of(history[part], season)
        tally.add(group[part], demand[part], nothing, mean[part], quantiles[part], scales)
    for number, figures in enumerate(tally.figures()):
        mine = group == number
        if figures is None:
            assert np.isnan(demand[mine]).all()
            continue
        scores = metrics.Scores.of(history[mine], demand[mine], mean[mine], quantiles[mine], season)
        found = {name: getattr(figures, name) for name in ("wmape", "bias", "rmsse", "coverage_80", "coverage_95")}
        assert found == pytest.approx({name: value for name, value in scores.to_dict().items() if name in found})
        losses = metrics.row_mean(metrics.decile_loss(demand[mine], quantiles[mine]))
        scale = metrics.seasonal_scale(history[mine], season)
        usable = (scale > 0) & ~np.isnan(losses)
        expected = (losses[usable] / scale[usable]).mean() if usable.any() else None
        assert figures.scaled_pinball == pytest.approx(expected)


@given(cases())
@settings(max_examples=50, deadline=None)
def test_the_scaled_pinball_loss_of_a_point_forecast_is_its_scaled_absolute_error(case):
    history, demand, mean, _, season, _ = case
    tally = Tally(1)
    scales = Scales.of(history, season)
    tally.add(np.zeros(len(mean), int), demand, np.zeros(demand.shape, bool), mean, flat(mean), scales)
    (figures,) = tally.figures()
    if figures is not None:
        expected = metrics.mase(history, demand, mean, season)
        assert figures.scaled_pinball == (None if np.isnan(expected) else pytest.approx(expected))
