"""CUSUMs by hand, their alarm rate where nothing changes, and that units do not matter."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri
from scipy.stats import binom

from services.forecast.engine.cells import QUANTILES
from services.forecast.engine.cusum import TRUST, Baseline, changes, cusum, relative, rooted
from services.forecast.engine.limits import BLOCK, Calibration
from services.forecast.engine.scores import MOST, extra_loss, normal_scores

# Montgomery (2009), Introduction to Statistical Quality Control, 6th ed., table 9.1: 20 draws of N(10, 1), then 10 of
# N(11, 1); table 9.2 sums them with target 10 and K = 0.5, H = 5.
MONTGOMERY = [
    *(9.45, 7.99, 9.29, 11.66, 12.16, 10.18, 8.04, 11.46, 9.20, 10.34),
    *(9.03, 11.47, 10.51, 9.40, 10.08, 9.37, 10.62, 10.31, 8.52, 10.84),
    *(10.90, 9.33, 12.29, 11.50, 10.60, 11.08, 10.38, 11.62, 11.31, 10.52),
]


def test_the_textbook_case():
    """Upper sum above 5 at observation 29 (5.28), after 7 in a row above zero, from 23 on."""
    run = cusum(np.array([MONTGOMERY]) - 10, 5.0)
    assert np.flatnonzero(run.raised[0]).tolist() == [28]
    assert (run.direction[0, 28], run.since[0, 28]) == (1, 22)


@pytest.mark.parametrize(("limit", "at"), [(5.27, [28]), (5.29, [29])])
def test_its_sums(limit, at):
    """5.28 after observation 29, 5.30 after observation 30."""
    assert np.flatnonzero(cusum(np.array([MONTGOMERY]) - 10, limit).raised[0]).tolist() == at


def test_a_fall_by_hand_and_a_new_beginning():
    """With an allowance of 0.5: 1.5, 3.0 > 2.9, then from zero again 1.5; what is unknown changes nothing."""
    run = cusum(np.array([[0.0, -2.0, np.nan, -2.0, -2.0]]), 2.9)
    assert run.raised[0].tolist() == [False, False, False, True, False]
    assert (run.direction[0, 3], run.since[0, 3], run.height[0]) == (-1, 1, 1.5)
    assert not cusum(np.array([[-2.0] * 9]), 2.9, both=False).raised.any()


def test_alarms_on_end_tell_of_one_change():
    """Alarms in periods 2 and 4 on end from 1 on; a pause, and the one in period 8 is another change."""
    values = np.array([[0, 2, 2, 2, 2, 0, 0, 2, 2.0], [0, 0, 0, 0, 0, 0, 0, 0, 0]])
    run = cusum(values, 2.9)
    assert np.flatnonzero(run.raised[0]).tolist() == [2, 4, 8]
    found = changes(run, values)
    assert (found.raised.tolist(), found.since[0], found.direction[0]) == ([8, -1], 7, 1)
    early = changes(cusum(values[:1, :7], 2.9), values[:1, :7])
    assert (early.raised[0], early.since[0]) == (2, 1)


def test_the_likeliest_begin():
    """From the alarm backwards 4, 8, 9 over the roots of 1, 2, 3: 4, 5.66, 5.20. The sum left zero a period before."""
    values = np.array([[0, 1, 4, 4.0]])
    run = cusum(values, 7.0)
    assert (run.since[0, 3], changes(run, values).since[0]) == (1, 2)


def test_relative_by_hand():
    """The baseline counts as 6 periods of mean 0 and variance 1; later scores count one each."""
    found = relative(np.array([[2.0, 2.0, np.nan]]), Baseline())
    first = 2 / np.sqrt(1 + 1 / TRUST)
    weight = 0.95 * TRUST
    mean, variance = 2 / (weight + 1), (weight + 4 * TRUST / (TRUST + 1)) / (weight + 1)
    second = (2 - mean) / np.sqrt(variance * (1 + 1 / (weight + 1)))
    assert found[0, :2] == pytest.approx([first, second])
    assert np.isnan(found[0, 2])


def test_rooted_has_hawkins_moments():
    """Hawkins (1981): the root of |N(0, 1)| has mean 0.822 and deviation 0.349."""
    found = rooted(ndtri((np.arange(200_000) + 0.5) / 200_000)[None])
    assert (found.mean(), found.std()) == (pytest.approx(0, abs=1e-3), pytest.approx(1, abs=1e-3))


def test_scores_by_hand():
    """A quantile scores its level, half the way between two half of both; a mass at zero the middle of its share."""
    spread = 100 + 10 * ndtri(np.array(QUANTILES))
    known = np.array([100.0, (spread[5] + spread[6]) / 2, spread[9], 1e6, np.nan])
    found = normal_scores(known, np.tile(spread, (5, 1)))
    assert found[:4] == pytest.approx([0, ndtri(0.6) / 2, ndtri(0.9), MOST])
    assert np.isnan(found[4])
    seldom = np.array([0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4.0])  # zero up to 0.6
    assert normal_scores(np.array([0.0]), seldom[None])[0] == pytest.approx(ndtri(0.3))
    sure = np.full((3, 11), 5.0)
    assert normal_scores(np.array([4.0, 5.0, 6.0]), sure) == pytest.approx([-MOST, 0, MOST])


def test_extra_loss_is_none_on_average_where_the_forecast_is_right():
    """Demand drawn from the grid's own points, each as often as it stands for."""
    quantiles = np.array([0, 1, 2, 3, 4, 5, 6, 8, 10, 13, 20.0])
    weights = np.diff([0, *((np.array(QUANTILES)[1:] + np.array(QUANTILES)[:-1]) / 2), 1])
    losses = extra_loss(quantiles, np.tile(quantiles, (11, 1)))
    assert losses @ weights == pytest.approx(0)
    assert losses[5] < 0 < losses[10]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(-20, 20))
def test_units_do_not_matter(seed, power):
    """A series in other units has the same scores (a power of two keeps every bit) and dearer errors in proportion."""
    random = np.random.default_rng(seed)
    quantiles = np.sort(random.gamma(2.0, 50.0, (4, 30, 11)), axis=-1)
    demand = random.gamma(2.0, 50.0, (4, 30))
    unit = 2.0**power
    assert np.array_equal(normal_scores(demand, quantiles), normal_scores(demand * unit, quantiles * unit))
    assert extra_loss(demand * unit, quantiles * unit) == pytest.approx(extra_loss(demand, quantiles) * unit, abs=1e-9)


@pytest.mark.parametrize("draw", ["normal", "student", "biased"])
def test_no_more_alarms_than_stated_where_nothing_changes(draw):
    """Exchangeable scores: limits from 60 periods of 300 series, 1,000 item-years of others; binomial margin of 0.1 %.

    The margin is that of the calibration's own paths and of the item-years that it is tried on.
    """
    random = np.random.default_rng(17)
    shapes = {
        "normal": random.standard_normal,
        "student": lambda shape: np.clip(random.standard_t(4, shape), -MOST, MOST),
        "biased": lambda shape: random.standard_normal(shape) * 1.4 - 0.3,
    }
    known = Calibration.of(shapes[draw]((300, 60)), 52, rate=0.1)
    assert known.basis == "backtest"
    later = known.run(shapes[draw]((1000, 60 + 52)))
    count = sum(int(run.raised[:, 60:].sum()) for run, _ in later.values())
    assert count <= binom.ppf(0.999, 1000, 0.1) + 2 * np.sqrt(1000**2 * 0.1 / 2000)
    assert count >= 20  # and the limits are not out of reach


def test_a_change_is_found_and_dated():
    random = np.random.default_rng(5)
    known = Calibration.of(random.standard_normal((200, 60)), 52, rate=0.1)
    scores = random.standard_normal((100, 80))
    scores[:, 70:] -= 2.5
    change = known.run(scores)["level"][1]
    found = (change.raised >= 70) & (change.direction < 0)
    assert found.mean() >= 0.95
    assert np.median(change.since[found]) == 70
    assert (np.abs(change.since[found] - 70) <= 1).mean() >= 0.8


def test_without_a_backtest_limits_are_those_of_normal_scores():
    known = Calibration.of(np.full((3, 40), np.nan), 52)
    assert (known.basis, known.baseline, known.limits.rate) == ("normal", Baseline(), 0.05)
    assert Calibration.from_dict(known.to_dict()) == known
    assert known.limits.level > 5 > BLOCK - 2
