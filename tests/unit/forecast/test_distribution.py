import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.forecast.engine.boosting import Fit
from services.forecast.engine.cells import QUANTILES
from services.forecast.engine.distribution import HeadName, _group_quantiles, fit_head, head_features, load_head

ONE = Fit(threads=1)
WIDE = 2  # after the mean, relative and in units


def sample(r: int = 4000):
    """Demand whose relative spread doubles where the feature in column WIDE is 1."""
    rng = np.random.default_rng(3)
    wide = rng.integers(0, 2, r)
    mean = rng.uniform(0.5, 2, r)
    shape = np.where(wide, 4.0, 16.0)
    target = mean * rng.gamma(shape, 1 / shape)
    columns = np.column_stack([wide, wide, rng.normal(size=r)])
    return head_features(columns, mean, np.ones(r)), target, mean


@pytest.mark.parametrize("name", ["forest", "scale", "both"])
def test_intervals_hold_what_they_promise_where_spread_differs(name: HeadName):
    features, target, mean = sample()
    quantiles = fit_head(name, features, target, mean, ONE).predict(features, mean)
    for wide in (0, 1):
        rows = features[:, WIDE] == wide
        inside = (target >= quantiles[:, 1]) & (target <= quantiles[:, -2])
        assert inside[rows].mean() == pytest.approx(0.8, abs=0.04)
    width = (quantiles[:, -2] - quantiles[:, 1]) / mean
    assert width[features[:, WIDE] == 1].mean() > 1.6 * width[features[:, WIDE] == 0].mean()


@pytest.mark.parametrize("name", ["forest", "scale", "both"])
def test_a_head_comes_back_from_its_files_bit_for_bit(name: HeadName):
    features, target, mean = sample(500)
    head = fit_head(name, features, target, mean, ONE)
    loaded = load_head(name, head.to_files(), threads=1)
    assert np.array_equal(loaded.predict(features, mean), head.predict(features, mean))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 99)), min_size=1, max_size=60))
def test_group_quantiles_are_those_of_each_group(pairs):
    group, values = np.array(sorted(pairs)).T
    found = _group_quantiles(values.astype(float), group, 5)
    for number in np.unique(group):
        assert np.allclose(found[number], np.quantile(values[group == number], QUANTILES))
