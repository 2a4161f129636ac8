"""Series that a planner meets every day and that an average series does not teach."""

import numpy as np
import pytest

from services.forecast.engine.training import train
from tests.unit.forecast.conftest import panel_of

LENGTH, HORIZON, ORDINARY = 96, 6, 60


def hard_panel() -> np.ndarray:
    """Weekly demand [n, LENGTH]: ORDINARY series around a level of 20 to 60, then one of each kind."""
    rng = np.random.default_rng(8)
    level = rng.uniform(20, 60, (ORDINARY, 1)) * np.exp(np.cumsum(rng.normal(0, 0.02, (ORDINARY, LENGTH)), axis=1))
    # Some shift for good or fade out, as ordinary assortments do.
    for row in range(0, ORDINARY, 6):
        at = rng.integers(20, 80)
        level[row, at:] *= rng.choice([0.4, 2.5])
    for row in range(3, ORDINARY, 10):
        level[row, rng.integers(40, 80) :] = 0
    plain = np.full((len(KINDS), LENGTH), 40.0)
    rows = dict(zip(KINDS, plain, strict=True))
    rows["shifted"][:-10] = 16
    rows["faded"][-26:] = 0
    demand = np.concatenate([rng.poisson(level), rng.poisson(plain)]).astype(float)
    special = dict(zip(KINDS, demand[ORDINARY:], strict=True))
    special["short of stock"][rng.random(LENGTH) < 0.4] = np.nan
    special["spiked"][-5] = 2_000
    special["new"][:-1] = np.nan
    special["young"][:-4] = np.nan
    special["full of gaps"][rng.random(LENGTH) < 0.7] = np.nan
    special["silent lately"][-12:] = np.nan
    return demand


KINDS = ("shifted", "faded", "short of stock", "spiked", "new", "young", "full of gaps", "silent lately")


@pytest.fixture(scope="module")
def forecast():
    panel = panel_of(hard_panel(), frequency="W", horizon=HORIZON)
    return train(panel, threads=1).forecast(panel)


def told(forecast, kind: str) -> float:
    return float(forecast.mean[ORDINARY + KINDS.index(kind)].mean())


@pytest.mark.parametrize("kind", ["short of stock", "young", "full of gaps", "silent lately"])
def test_unknown_demand_is_not_taken_for_none(forecast, kind):
    assert told(forecast, kind) == pytest.approx(40, rel=0.2)


def test_one_observation_is_better_than_none(forecast):
    assert told(forecast, "new") == pytest.approx(40, rel=0.4)


def test_a_level_that_shifted_ten_weeks_ago_is_followed(forecast):
    assert told(forecast, "shifted") == pytest.approx(40, rel=0.2)


def test_what_faded_out_half_a_year_ago_stays_out(forecast):
    assert told(forecast, "faded") < 1


def test_a_single_spike_is_no_new_level(forecast):
    assert told(forecast, "spiked") < 80


def test_who_knows_less_says_so_with_a_wider_interval(forecast):
    width = forecast.quantiles[:, :, -2] - forecast.quantiles[:, :, 1]
    kinds = width[ORDINARY:].mean(axis=1)
    assert kinds[KINDS.index("new")] > kinds[KINDS.index("short of stock")]


@pytest.mark.parametrize("length", [30, 60])
def test_a_single_series_has_a_forecast(length):
    model = train(panel_of([[40 + week % 4 * 10 for week in range(length)]], frequency="W", horizon=4), threads=1)
    found = model.forecast(panel_of([[40 + week % 4 * 10 for week in range(length)]], frequency="W", horizon=4))
    assert found.mean == pytest.approx(np.full((1, 4), 55), abs=20)
    assert (np.diff(found.quantiles, axis=2) >= 0).all()
