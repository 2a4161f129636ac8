import numpy as np

from services.forecast.engine.baselines import seasonal_naive
from services.forecast.engine.cells import QUANTILES

MEDIAN = QUANTILES.index(0.5)


def test_repeats_the_last_season():
    mean, quantiles = seasonal_naive(np.array([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]]), horizon=5, season=3)
    assert mean.tolist() == [[4, 5, 6, 4, 5]]
    assert quantiles[0, :, MEDIAN].tolist() == [4, 5, 6, 4, 5]


def test_spread_grows_with_the_square_root_of_the_cycles():
    _, quantiles = seasonal_naive(np.array([[10.0, 20.0, 12.0, 22.0]]), horizon=4, season=2)
    spread = quantiles[0, :, -1] - quantiles[0, :, MEDIAN]
    assert np.allclose(spread, 1.959964 * 2 * np.sqrt([1, 1, 2, 2]), atol=1e-5)


def test_an_unknown_period_takes_the_mean_of_its_season():
    mean, _ = seasonal_naive(np.array([[1.0, 1.0, 4.0, np.nan]]), horizon=2, season=2)
    assert mean.tolist() == [[4, 4]]


def test_a_history_shorter_than_a_season_gives_its_mean_and_no_nan():
    mean, quantiles = seasonal_naive(np.array([[2.0, 4.0], [np.nan, np.nan]]), horizon=3, season=12)
    assert mean.tolist() == [[3, 3, 3], [0, 0, 0]]
    assert np.isfinite(quantiles).all()
