import numpy as np
import pandas as pd
import pytest

from services.forecast.engine.cells import QUANTILES
from services.forecast.engine.newcomers import from_peers

SERIES = pd.DataFrame(
    {
        "item": ["a", "b", "a", "c", "d"],
        "location": ["n", "n", "s", "n", "x"],
        "category": ["bread", "bread", "bread", "bread", None],
    }
)
NEW = np.array([False, False, True, True, True])


def forecasts():
    mean = np.array([[10.0], [30.0], [0.0], [0.0], [0.0]])
    return mean, mean[..., None] * np.linspace(0.5, 1.5, len(QUANTILES))


def test_the_nearest_peer_is_the_same_item_then_the_category_then_anybody():
    mean, _ = from_peers(SERIES, NEW, *forecasts())
    assert mean[:, 0].tolist() == [10, 30, 10, 20, 20]


def test_one_peer_gives_its_own_median():
    _, quantiles = from_peers(SERIES, NEW, *forecasts())
    assert quantiles[2, 0, 5] == pytest.approx(10)


def test_peers_that_differ_make_the_forecast_wider():
    _, quantiles = from_peers(SERIES, NEW, *forecasts())
    assert quantiles[3, 0, 1] < 10
    assert quantiles[3, 0, -2] > 30
    assert (np.diff(quantiles, axis=2) >= 0).all()


def test_nobody_to_learn_from_gives_zero():
    mean, quantiles = from_peers(SERIES, np.ones(5, dtype=bool), *forecasts())
    assert not mean.any()
    assert not quantiles.any()
