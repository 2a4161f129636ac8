"""The quantiles around a mean alone hold what they promise, when the mean is the true one."""

import numpy as np
import pytest

from services.forecast.engine.cells import QUANTILES
from services.forecast.engine.metrics import coverage
from services.forecast.engine.spread import Moments

N, T, H, SEASON = 400, 156, 13, 52
YEAR = 1 + 0.4 * np.sin(np.arange(T + H) * 2 * np.pi / SEASON)
DRAWS = {
    "counts": lambda mean, rng: rng.poisson(mean),
    "small counts": lambda mean, rng: rng.poisson(mean),
    "overdispersed": lambda mean, rng: rng.negative_binomial(2, 2 / (2 + mean)),
    "proportional": lambda mean, rng: mean * np.exp(rng.normal(-0.045, 0.3, mean.shape)),
    "additive": lambda mean, rng: np.maximum(rng.normal(mean, 3), 0),
}


def simulated(name):
    """History, future demand and true mean of N item-locations with a yearly season."""
    mean = np.ones((N, 1)) * (2 if name == "small counts" else 20) * YEAR
    demand = DRAWS[name](mean, np.random.default_rng(7)).astype(float)
    return demand[:, :T], demand[:, T:], mean[:, T:]


@pytest.mark.parametrize("name", DRAWS)
def test_intervals_hold_what_they_promise(name):
    history, demand, mean = simulated(name)
    quantiles = Moments.of(history, SEASON).quantiles(mean)
    assert 0.76 < coverage(demand, quantiles[..., 1], quantiles[..., -2]) < 0.88
    assert 0.92 < coverage(demand, quantiles[..., 0], quantiles[..., -1]) < 0.99
    assert 0.45 < (demand <= quantiles[..., QUANTILES.index(0.5)]).mean() < 0.6


def test_sporadic_demand_keeps_its_zeros_and_its_peaks():
    rng = np.random.default_rng(3)
    mean = np.full((N, T + H), 6.0)
    demand = rng.binomial(1, 0.3, mean.shape) * rng.gamma(2, 10, mean.shape)
    quantiles = Moments.of(demand[:, :T], SEASON).quantiles(mean[:, T:])
    assert (quantiles[..., : QUANTILES.index(0.6)] == 0).mean() > 0.99
    for level, column in zip(QUANTILES[-3:], range(-3, 0), strict=True):
        assert (demand[:, T:] <= quantiles[..., column]).mean() == pytest.approx(level, abs=0.03)


def test_a_level_that_drifts_makes_the_spread_wider_and_the_periods_dependent():
    rng = np.random.default_rng(5)
    noise = rng.normal(0, 2, (N, T))
    still = Moments.of(np.maximum(100 + noise, 0), SEASON)
    drifting = Moments.of(np.maximum(100 + np.cumsum(rng.normal(0, 1, (N, T)), axis=1) + noise, 0), SEASON)
    assert still.dependence() == pytest.approx(0, abs=0.02)
    assert drifting.dependence() > 0.6
    assert np.median(drifting.far) > 3 * np.median(still.far)


def test_a_season_within_the_week_is_no_spread():
    rng = np.random.default_rng(5)
    week = np.tile([1.0, 1, 1, 1, 1, 3, 3], 20) * 50
    moments = Moments.of(rng.poisson(week, (N, len(week))).astype(float), 7)
    assert np.median(moments.far) == pytest.approx(week.mean(), rel=0.1)
    assert moments.dependence() == 0


def test_units_do_not_matter():
    history, _, mean = simulated("overdispersed")
    found = Moments.of(history, SEASON).quantiles(mean)
    assert Moments.of(history / 1000, SEASON).quantiles(mean / 1000) * 1000 == pytest.approx(found)


def test_quantiles_ascend_from_zero_on_whatever_the_mean():
    history, _, _ = simulated("small counts")
    mean = np.random.default_rng(1).choice([0, 1e-9, 0.01, 1, 40, 1e6, 1e15], (N, H))
    quantiles = Moments.of(history, SEASON).quantiles(mean)
    assert np.isfinite(quantiles).all()
    assert (quantiles >= 0).all()
    assert (np.diff(quantiles, axis=-1) >= 0).all()
    assert (quantiles[mean == 0] == 0).all()


def test_without_a_history_of_its_own_an_item_location_takes_the_others_spread():
    history, _, _ = simulated("counts")
    history[0, :-8] = np.nan  # eight periods make seven steps
    history[1] = 5.0
    history[2] = np.nan
    moments = Moments.of(history, SEASON)
    assert moments.own.tolist() == [False, False, False] + [True] * (N - 3)
    quantiles = moments.quantiles(np.full((N, 1), 20.0))
    assert quantiles[:3] == pytest.approx(np.repeat(np.median(quantiles[3:], axis=0)[None], 3, axis=0), rel=0.1)


def test_without_any_history_the_spread_is_that_of_the_exponential_distribution():
    moments = Moments.of(np.empty((2, 0)), SEASON)
    exact = -10 * np.log(1 - np.array(QUANTILES))
    assert moments.quantiles(np.full((2, 1), 10.0))[1, 0] == pytest.approx(exact, rel=0.01)
    assert moments.dependence() == 0


def test_a_short_history_is_measured_from_period_to_period():
    history = np.array([[4.0, 8.0] * 6])
    moments = Moments.of(history, SEASON)
    assert (moments.level[0], moments.near[0], moments.far[0]) == (6.0, 8.0, 8.0)


def test_parts_joined_are_the_whole():
    history, _, mean = simulated("counts")
    parts = [Moments.of(history[:100], SEASON), Moments.of(history[100:], SEASON)]
    whole = Moments.of(history, SEASON)
    assert np.array_equal(Moments.joined(parts).quantiles(mean), whole.quantiles(mean))
    assert np.array_equal(whole.quantiles(mean[100:], slice(100, None)), whole.quantiles(mean)[100:])
