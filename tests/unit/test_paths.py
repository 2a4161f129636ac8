"""Joint sample paths: margins, means, dependence, and numbers that depend on their own row alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri
from scipy.stats import gamma

from shared.paths import Factor, node_scores, sample, series_seeds

LEVELS = np.array([0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975])


def normal_grid(n: int, periods: int) -> tuple[np.ndarray, np.ndarray]:
    mean = np.full((n, periods), 100.0) + 10 * np.arange(periods)
    return mean[:, :, None] + 20 * ndtri(LEVELS), mean


def test_a_normal_margin_is_reproduced_to_the_strata() -> None:
    grid, mean = normal_grid(2, 4)
    paths = sample(LEVELS, grid, mean, rho=0.3, seeds=series_seeds("ab"))
    expected = mean[0, 0] + 20 * ndtri((np.arange(200) + 0.5) / 200)
    assert paths.shape == (2, 200, 4)
    assert paths.dtype == np.float32
    np.testing.assert_allclose(np.sort(paths[0, :, 0]), expected, rtol=1e-6)
    np.testing.assert_allclose(np.quantile(paths[1, :, 3], LEVELS, method="hazen"), grid[1, 3], atol=0.05)


def test_a_skewed_margin_keeps_its_quantiles_and_mean() -> None:
    grid = np.broadcast_to(gamma(2, scale=10).ppf(LEVELS), (1, 3, 9))
    paths = sample(LEVELS, grid, np.full((1, 3), 20.0), rho=0.0, seeds=series_seeds("a"))
    np.testing.assert_allclose(paths.mean(axis=1), 20.0, rtol=1e-6)
    np.testing.assert_allclose(np.quantile(paths[0, :, 1], LEVELS, method="hazen"), grid[0, 1], rtol=0.01)


def test_the_mean_is_met_by_scaling_which_keeps_the_order() -> None:
    grid, mean = normal_grid(1, 3)
    seeds = series_seeds("a")
    plain, shifted = (sample(LEVELS, grid, m, rho=0.5, seeds=seeds) for m in (mean, 1.2 * mean))
    np.testing.assert_allclose(shifted, 1.2 * plain, rtol=1e-6)


@pytest.mark.parametrize("rho", [0.0, 0.2, 0.6])
def test_buckets_are_correlated_as_asked(rho: float) -> None:
    grid, mean = normal_grid(150, 6)
    paths = sample(LEVELS, grid, mean, rho=rho, seeds=series_seeds(map(str, range(150))))
    pairs = np.array([np.corrcoef(series.T)[np.triu_indices(6, 1)] for series in paths])
    assert pairs.mean() == pytest.approx(rho, abs=0.015)


def test_full_correlation_keeps_every_rank() -> None:
    grid, mean = normal_grid(1, 5)
    paths = sample(LEVELS, grid, mean, rho=1.0, seeds=series_seeds("a"))
    ranks = paths[0].argsort(axis=0)
    assert np.array_equal(ranks, np.repeat(ranks[:, :1], 5, axis=1))


def test_the_spread_of_sums_is_that_of_the_copula() -> None:
    grid, mean = normal_grid(400, 4)
    paths = sample(LEVELS, grid, mean, rho=0.25, seeds=series_seeds(map(str, range(400))))
    deviation = np.sqrt(paths.sum(axis=2).var(axis=1).mean())
    assert deviation == pytest.approx(20 * np.sqrt(4 + 12 * 0.25), rel=0.02)


def test_a_deterministic_forecast_gives_its_mean_exactly() -> None:
    mean = np.array([[3.3, 0.0, 7.1], [1e6 / 3, 0.1, 2.0]])
    paths = sample(LEVELS, np.repeat(mean[:, :, None], 9, axis=2), mean, rho=0.4, seeds=series_seeds("ab"), paths=17)
    assert np.array_equal(paths, np.repeat(mean.astype(np.float32)[:, None], 17, axis=1))


def test_quantiles_that_are_all_zero_stay_zero() -> None:
    paths = sample(LEVELS, np.zeros((1, 2, 9)), np.full((1, 2), 0.01), rho=0.0, seeds=series_seeds("a"))
    assert not paths.any()


def test_one_level_alone_is_a_point_forecast() -> None:
    paths = sample(
        np.array([0.5]), np.array([[[4.0], [6.0]]]), np.array([[4.0, 6.0]]), rho=0.0, seeds=series_seeds("a")
    )
    assert np.array_equal(paths, np.broadcast_to(np.float32([4, 6]), (1, 200, 2)))


def test_crossed_quantiles_are_sorted() -> None:
    grid, mean = normal_grid(1, 2)
    seeds = series_seeds("a")
    crossed = sample(LEVELS, grid[:, :, ::-1], mean, rho=0.2, seeds=seeds)
    assert np.array_equal(crossed, sample(LEVELS, grid, mean, rho=0.2, seeds=seeds))


def test_a_series_does_not_depend_on_its_neighbours() -> None:
    grid, mean = normal_grid(900, 8)
    seeds = series_seeds(map(str, range(900)))
    together = sample(LEVELS, grid, mean, rho=0.2, seeds=seeds)
    alone = sample(LEVELS, grid[700:701], mean[700:701], rho=np.array([0.2]), seeds=seeds[700:701])
    assert np.array_equal(together[700], alone[0])
    assert not np.array_equal(together[699], together[700])


def test_a_longer_horizon_keeps_the_earlier_buckets() -> None:
    grid, mean = normal_grid(3, 9)
    seeds = series_seeds("abc")
    longer = sample(LEVELS, grid, mean, rho=0.2, seeds=seeds)
    shorter = sample(LEVELS, grid[:, :5], mean[:, :5], rho=0.2, seeds=seeds)
    assert np.array_equal(longer[:, :, :5], shorter)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), rho=st.floats(0, 1), paths=st.integers(1, 60))
def test_paths_are_never_negative_and_meet_the_mean(seed: int, rho: float, paths: int) -> None:
    random = np.random.default_rng(seed)
    mean = random.uniform(0, 50, (2, 3))
    grid = mean[:, :, None] * np.maximum(1 + random.uniform(0, 1.5) * ndtri(LEVELS), 0)
    drawn = sample(LEVELS, grid, mean, rho=rho, seeds=series_seeds("ab", seed), paths=paths)
    assert drawn.min() >= 0
    np.testing.assert_allclose(drawn.mean(axis=1, dtype=np.float64), mean, rtol=1e-5)


def test_seeds_are_the_same_everywhere() -> None:
    assert series_seeds(["item\x1fplace"], 7).tolist() == [6440791085945523740]
    assert len(set(series_seeds(map(str, range(1000))).tolist())) == 1000
    assert series_seeds(["a"], 1) != series_seeds(["a"], 2)
    assert series_seeds([]).shape == (0,)


def test_factors_leave_every_margin_as_it_is() -> None:
    grid, mean = normal_grid(3, 4)
    seeds = series_seeds("abc")
    factor = Factor(0.5, np.zeros(3, dtype=int), node_scores(series_seeds("z"), rho=0.3, periods=4))
    plain, common = (sample(LEVELS, grid, mean, rho=0.3, seeds=seeds, factors=some) for some in ((), (factor,)))
    assert not np.array_equal(plain, common)
    np.testing.assert_array_equal(np.sort(plain, axis=1), np.sort(common, axis=1))


def test_series_of_a_node_go_together_by_its_share() -> None:
    grid, mean = normal_grid(200, 2)
    node = np.arange(200) % 2
    factor = Factor(0.4, node, node_scores(series_seeds("yz"), rho=0.0, periods=2))
    drawn = sample(LEVELS, grid, mean, rho=0.0, seeds=series_seeds(map(str, range(200))), factors=[factor])
    found = np.corrcoef(drawn[:, :, 0])
    same = node[:, None] == node
    assert found[same & ~np.eye(200, dtype=bool)].mean() == pytest.approx(0.4, abs=0.02)
    assert found[~same].mean() == pytest.approx(0, abs=0.06)


def test_scores_of_a_node_are_strata_in_each_period() -> None:
    scores = node_scores(series_seeds("yz"), rho=0.5, periods=3)
    expected = ndtri((np.arange(200) + 0.5) / 200)
    np.testing.assert_allclose(np.sort(scores, axis=2), np.broadcast_to(expected, scores.shape), rtol=1e-6)
    assert np.corrcoef(scores[0])[0, 1] == pytest.approx(0.5, abs=0.15)
