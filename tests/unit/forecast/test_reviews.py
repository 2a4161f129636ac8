"""Which moves and misses are more than a forecast's own spread explains."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from services.forecast.engine import reviews
from services.forecast.engine.cells import QUANTILES

SIGMA = stats.norm.ppf(QUANTILES)


def told(mean, spread):
    """Quantiles [1, h, K] of normal periods."""
    return (np.asarray(mean)[:, None] + np.asarray(spread)[:, None] * SIGMA)[None]


def jump(before, spread, rho, after):
    found = reviews.jumps(np.array([before]), told(before, spread), np.array([rho]), np.array([after]))
    return tuple(float(one[0]) for one in found)


@pytest.mark.parametrize(
    ("rho", "spread"),
    [(0.0, 50.0), (1.0, 70.0), (0.5, ((2500 + 4900) / 2) ** 0.5)],  # 30 and 40: root of the squares, sum, half way
)
def test_the_spread_of_a_sum_is_that_of_its_periods_as_they_go_together(rho, spread):
    change, found, z = jump([100.0, 100.0], [30.0, 40.0], rho, [150.0, 160.0])
    assert (change, found, z) == pytest.approx((110, spread, 110 / spread))


def test_a_narrow_forecast_that_moves_by_less_than_three_tenths_has_not_jumped():
    assert jump([100.0], [0.0], 0.0, [140.0]) == pytest.approx((40, 14, 40 / 14))
    assert jump([100.0], [0.0], 0.0, [69.0])[2] == pytest.approx(-3.1)
    assert jump([0.0], [0.0], 0.0, [0.0]) == (0, 0, 0)
    assert jump([0.0], [0.0], 0.0, [5.0])[2] == pytest.approx(10)


def test_each_side_has_its_own_spread():
    quantiles = np.array([[[10, 10, 10, 10, 10, 10, 15, 20, 30, 40, 80]]], dtype=float)  # median 10, deciles 10 and 40
    spread = {
        after: float(reviews.jumps(np.array([[10.0]]), quantiles, np.zeros(1), np.array([[after]]))[1][0])
        for after in (9.0, 11.0)
    }
    assert spread == pytest.approx({9.0: 1.0, 11.0: 30 / 1.2815515655446004})


@given(st.floats(0.01, 1e6), st.floats(0, 1), st.lists(st.floats(1, 1e3), min_size=1, max_size=8))
def test_the_unit_of_measure_does_not_matter(factor, rho, before):
    after, spread = [3 * one for one in before], [one / 4 for one in before]
    scaled = [[factor * one for one in each] for each in (before, spread, after)]
    assert jump(scaled[0], scaled[1], rho, scaled[2])[2] == pytest.approx(jump(before, spread, rho, after)[2])


def test_so_many_misses_are_told_as_chance_hardly_has():
    """Against SciPy's binomial distribution: 4 of 8 is the first below one in a thousand."""
    assert pytest.approx(0.95) == reviews.LEVEL
    assert [reviews.chance_of(k) for k in range(9)] == pytest.approx(stats.binom.sf(np.arange(9) - 1, 8, 0.05))
    assert reviews.fewest_misses() == 4
    assert reviews.chance_of(4) == pytest.approx(0.00037175, abs=1e-8)  # 70 ways of 0.05^4 0.95^4, and so on
    assert reviews.chance_of(3) > reviews.FALSE_ALARM


def test_forecasts_that_hold_are_told_as_rarely_as_stated():
    random = np.random.default_rng(3)
    demand = random.normal(size=(200_000, 8))
    above, below = reviews.missed(demand, np.full_like(demand, SIGMA[0]), np.full_like(demand, SIGMA[-1]))
    share = float(((above | below).sum(axis=1) >= reviews.fewest_misses()).mean())
    assert stats.binomtest(round(share * 200_000), 200_000, reviews.chance_of(4)).pvalue > 0.001


def test_what_is_unknown_misses_nothing():
    demand, low, high = np.array([[np.nan, 5.0, 11.0, 1.0]]), np.array([[1, np.nan, 2, 2.0]]), np.full((1, 4), 10.0)
    above, below = reviews.missed(demand, low, high)
    assert (above.tolist(), below.tolist()) == ([[False, False, True, False]], [[False, False, False, True]])
