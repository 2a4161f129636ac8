"""Orders consume the forecast of their bucket."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from services.planner.engine.consumption import consume
from shared.paths import sample

LEVELS = np.array([0.1, 0.5, 0.9])


def certain(*values):
    mean = np.array([values], dtype=float)
    return np.repeat(mean[:, :, None], len(LEVELS), axis=2), mean


def test_orders_leave_the_rest_of_the_forecast():
    """G27, frePPLe's example of forecast netting: gross 350 x 3, orders 130, 100, 80."""
    orders = np.array([[130.0, 100.0, 80.0]])
    grid, mean = consume(LEVELS, *certain(350.0, 350.0, 350.0), orders)
    assert (mean - orders).tolist() == [[220.0, 250.0, 270.0]]
    assert np.all(grid == mean[:, :, None])


def test_more_orders_than_forecast_are_all_demand():
    grid, mean = consume(LEVELS, *certain(0.1, 0.7, 3.0), np.array([[5.3, 0.0, 0.3]]))
    assert mean.tolist() == [[5.3, 0.7, 3.0]]
    assert np.all(grid == mean[:, :, None])


NUMBERS = st.floats(1, 1000, width=32)


@given(
    quantiles=arrays(float, (2, 3, 3), elements=NUMBERS),
    orders=arrays(float, (2, 3), elements=st.just(0.0) | NUMBERS),
    mean=arrays(float, (2, 3), elements=NUMBERS),
)
def test_demand_is_the_larger_of_forecast_and_orders_on_every_path(quantiles, orders, mean):
    grid = np.sort(quantiles, axis=2)
    consumed, average = consume(LEVELS, grid, mean, orders)
    paths = sample(LEVELS, grid, mean, rho=0.0, seeds=np.arange(2, dtype=np.uint64)).astype(float)
    expected = np.maximum(paths, orders[:, None, :]).mean(axis=1)
    assert np.all(consumed == np.maximum(grid, orders[:, :, None]))
    assert average == pytest.approx(expected, rel=1e-5)
    assert np.all(average >= np.maximum(mean, orders) * (1 - 1e-5))
    assert np.all(average[orders == 0] == mean[orders == 0])
