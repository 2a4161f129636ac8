"""Alarms by class: which item-locations, since when, at what cost; inputs that stand still or move."""

import numpy as np
import pytest
from scipy.special import ndtri

from services.forecast.engine import drift, monitoring
from services.forecast.engine.cells import QUANTILES
from services.forecast.engine.drift import Shift
from services.forecast.engine.monitoring import Figures, Judged, decay

N, T, CHANGE = 40, 60, 50
FALLEN = [3, 17]


@pytest.fixture
def told():
    """Demand with mean 100 and deviation 10, forecast rightly; two item-locations sell 40 % less from CHANGE on."""
    random = np.random.default_rng(3)
    demand = 100 + 10 * random.standard_normal((N, T))
    demand[FALLEN, CHANGE:] *= 0.6
    mean = np.full((N, T), 100.0)
    quantiles = np.broadcast_to(100 + 10 * ndtri(np.array(QUANTILES)), (N, T, len(QUANTILES)))
    return Judged.of(demand, mean, quantiles)


def known(rate=0.05):
    scores = np.random.default_rng(4).standard_normal((N, T))
    return monitoring.completed(monitoring.calibrations(scores, np.zeros(N, dtype=np.intp), 52, rate), 52, rate)


def test_which_since_when_and_at_what_cost(told):
    found = monitoring.alarms(told, np.zeros(N, dtype=np.intp), known())
    (fall,) = [one for one in found if one.signal == "level" and one.scope == "items" and one.direction < 0]
    assert sorted(fall.rows.tolist()) == FALLEN
    assert set(fall.since.tolist()) == {CHANGE}
    assert fall.raised.max() <= CHANGE + 3
    assert fall.units == pytest.approx(told.extra[fall.rows, CHANGE:].sum(axis=1))
    # Demand below all deciles of N(100, 10) costs 96.0 less it; the mean of 20 x normal density, 6.2, is expected.
    cost = (96.0 - 6.2 - told.demand[fall.rows, CHANGE:]).sum(axis=1)
    assert fall.units == pytest.approx(cost, rel=0.03)
    assert fall.asks(N) == "review_forecast"


def test_a_whole_class_asks_for_a_new_model(told):
    lower = Judged.of(told.demand * 0.95, told.mean, np.broadcast_to(100 + 10 * ndtri(np.array(QUANTILES)), (N, T, 11)))
    found = monitoring.alarms(lower, np.zeros(N, dtype=np.intp), known())
    whole = [one for one in found if one.scope == "segment" and one.signal == "level"]
    assert [(one.direction, one.asks(N)) for one in whole] == [(-1, "retrain_model")]
    assert len(whole[0].rows) > N / 2


def test_limits_of_every_class_can_be_kept():
    calibrated = known()
    assert monitoring.from_dict(monitoring.to_dict(calibrated)) == calibrated


def test_figures_by_hand():
    quantiles = np.broadcast_to(np.arange(5.0, 16.0), (1, 3, 11))
    judged = Judged.of(np.array([[10.0, 16.0, np.nan]]), np.array([[12.0, 12.0, 12.0]]), quantiles)
    figures = Figures.of(judged, np.array([0]))
    assert (figures.n, figures.item_locations) == (2, 1)
    assert figures.bias == pytest.approx((2 - 4) / 26)
    assert figures.tracking_signal == pytest.approx((2 - 4) / ((2 + 4) / 2))
    assert figures.coverage_80 == 0.5


def test_psi_by_hand():
    """Half of what was 0 has become 1: shares (0.5, 0.5) and (0.25, 0.75), Siddiqi's sum of (a - e) ln(a / e)."""
    before, after = np.array([0.0, 0, 1, 1]), np.array([0.0, 1, 1, 1])
    expected = 0.25 * np.log(0.75 / 0.5) - 0.25 * np.log(0.25 / 0.5)
    assert drift.psi(before, after) == pytest.approx(expected)
    assert drift.psi(before, before) == 0


def test_wasserstein_is_the_shift_in_deviations():
    sample = np.random.default_rng(1).normal(50, 4, 2000)
    found = Shift.between(sample, sample + 6)
    assert found.wasserstein == pytest.approx(6 / sample.std())
    assert found.psi > drift.NOTABLE
    assert Shift.between(sample, np.array([np.nan])) is None


def test_a_driver_that_stands_still_for_longer_than_ever():
    values = np.array([[1.0, 2, 2, 3, 4, 4, 4, 4], [5.0, 5, 5, 6, 7, 7, 7, 7]])
    assert drift.still(values).tolist() == [0, 0, 1, 0, 0, 1, 2, 3]
    assert drift.silent(values, 5).tolist() == [6, 7]
    assert drift.silent(np.ones((2, 8)), 5).tolist() == []  # never changed
    gone = np.where(np.arange(8) > 4, np.nan, values)
    assert drift.silent(gone, 5).tolist() == [7]  # the loss is a change itself


def test_decay_by_hand():
    """Medians of 10; of the newest 16 periods the five that are known are missed by 0, 6, 2, 2 and 0 of 50."""
    quantiles = np.broadcast_to(10 + np.arange(-5.0, 6), (1, 20, 11))
    demand = np.full((1, 20), np.nan)
    demand[0, :4] = 1000.0
    demand[0, -5:] = (10, 16, 12, 8, 10)
    judged = Judged.of(demand, quantiles[..., 5], quantiles)
    found = decay(judged, 0.1)
    assert (found.first, found.last, found.cells) == (15, 19, 5)
    assert (found.measured, found.ratio) == (pytest.approx(10 / 56), pytest.approx(100 / 56))
    assert decay(judged, 10 / 56 / 1.25 * 1.001) is None
    assert decay(judged, 10 / 56 / 1.25 * 0.999) is not None
    assert decay(judged, 0.0) is None
    demand[0, 15:17] = np.nan
    assert decay(Judged.of(demand, quantiles[..., 5], quantiles), 0.01) is None  # three periods tell too little
