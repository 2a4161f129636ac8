"""Gates: the interval of a mean over periods, by hand, and what passes by it."""

import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.forecast.engine import gates
from services.forecast.engine.backtest import Outcome
from services.forecast.engine.cells import QUANTILES
from services.forecast.engine.folds import ALL, Fold, losses, stored_losses

PERIODS = np.array(["2024-01-01", "2024-01-08", "2024-01-15", "2024-01-22"], dtype="datetime64[D]")


def fold(loss, *, bias=0.0, coverage=0.8, segment="smooth", share=1.0):
    loss = np.array(loss, dtype=float)
    even = np.ones(len(loss))
    return Fold(PERIODS, {ALL: loss, segment: loss}, bias * even, coverage * even, {ALL: 1.0, segment: share})


def test_the_interval_of_four_periods_by_hand():
    """Differences 1, 3, 2, 2 of one-step forecasts: variance 0.5, t(3) at 95 % 2.3534, factor (4 - 1) / 4."""
    found = gates.mean_over_periods(np.array([1.0, 3.0, np.nan, 2.0, 2.0]), 1)
    assert found.estimate == 2
    assert found.high - 2 == pytest.approx(2.353363 * np.sqrt(0.5 / 4 / 0.75))
    assert found.low + found.high == pytest.approx(4)


def test_errors_that_go_on_make_the_interval_wider():
    going_on = np.repeat([1.0, -1.0, 1.0], 8)
    assert gates.mean_over_periods(going_on, 8).high > 1.5 * gates.mean_over_periods(going_on, 1).high


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=40), st.integers(1, 60))
def test_an_interval_is_finite_and_holds_its_mean(values, horizon):
    found = gates.mean_over_periods(np.array(values), horizon)
    assert found.low <= found.estimate <= found.high
    assert np.isfinite([found.low, found.high]).all()


def test_one_period_tells_nothing():
    assert gates.mean_over_periods(np.array([1.0, np.nan]), 1) is None


def test_the_same_forecasts_beat_nobody_but_are_no_worse_than_allowed():
    folds = [fold([1, 2, 3, 4]), fold([4, 3, 2, 1])]
    rival = [one.loss for one in folds]
    assert not gates.better(folds, rival, "version 1", 0.0).passed
    assert gates.better(folds, rival, "version 1", -0.02).passed


@pytest.mark.parametrize(("rival", "passed"), [([2.0, 2.1, 1.9, 2.0], True), ([1.0, 3.0, 0.5, 1.5], False)])
def test_better_is_what_the_interval_shows(rival, passed):
    folds = [fold([1, 1, 1, 1])]
    gate = gates.better(folds, [{ALL: np.array(rival)}], "version 1", 0.0)
    assert (gate.passed, gate.low > 0) == (passed, passed)
    assert gate.value == pytest.approx(1 - 4 / sum(rival))


def test_periods_that_the_champion_has_learned_from_do_not_count():
    folds = [fold([1, 1, 1, 1])]
    seen = [{ALL: np.array([np.nan, np.nan, 2.0, 2.0])}]
    assert gates.better(folds, seen, "version 1", 0.0).value == pytest.approx(0.5)
    gate = gates.better(folds, [{ALL: np.full(4, np.nan)}], "version 1", -1.0)
    assert (gate.passed, gate.value) == (False, None)


@pytest.mark.parametrize(("share", "passed"), [(0.04, True), (0.06, False)])
def test_only_a_class_with_demand_holds_a_version_back(share, passed):
    folds = [fold([1.04] * 4, segment="lumpy", share=share)]
    rival = [{ALL: np.ones(4), "lumpy": np.ones(4)}]
    assert gates.segments(folds, rival, "version 1", 0.03, 0.05).passed is passed


def test_a_bias_and_a_coverage_that_chance_does_not_explain_fail():
    assert gates.bias([fold([1] * 4, bias=0.02)], 0.02, 0.0).passed
    assert not gates.bias([fold([1] * 4, bias=-0.03)], 0.02, 0.01).passed
    assert gates.coverage([fold([1] * 4, coverage=0.78)], 0.03, 0.8).passed
    assert not gates.coverage([fold([1] * 4, coverage=0.9)], 0.03, 0.88).passed


def test_what_replaces_nothing_better_may_be_off():
    assert gates.bias([fold([1] * 4, bias=-0.03)], 0.02, np.inf).passed
    assert gates.coverage([fold([1] * 4, coverage=0.9)], 0.03, 0.65).passed
    assert "outside" in gates.coverage([fold([1] * 4, coverage=0.9)], 0.03, 0.65).detail


def test_features_age_and_size():
    assert gates.signature(["a", "b"], ["a", "b"]).passed
    assert gates.signature(["a", "c"], ["a", "b"]).detail.endswith("b, c.")
    today = np.datetime64(datetime.date(2024, 1, 31))
    assert gates.freshness(PERIODS[3], PERIODS[2], today, 9).passed
    assert not gates.freshness(PERIODS[2], PERIODS[3], today, None).passed
    assert not gates.freshness(PERIODS[3], None, today, 8).passed
    assert not gates.at_most("size", 2.0, 1.0, "MiB").passed


def test_a_fold_tells_losses_by_class_scaled_by_the_series_demand():
    demand = np.array([[10.0, 12.0], [100.0, np.nan], [5.0, 5.0]])
    history = np.array([[10.0] * 4, [100.0] * 4, [0.0] * 4])
    said = np.array([[10.0, 10.0], [90.0, 90.0], [5.0, 5.0]])
    quantiles = np.repeat(said[..., None], len(QUANTILES), axis=2)
    outcome = Outcome(
        PERIODS[:2], history, demand, (said, quantiles), (said, quantiles), np.zeros((0, 3, 2)),
        segment=np.array([0, 1, 2]), volume=np.zeros(3, dtype=int),
    )  # fmt: skip
    found = losses(outcome, quantiles)
    assert found["smooth"].tolist() == pytest.approx([0.0, 0.2])
    assert found["erratic"][0] == pytest.approx(0.1)
    assert np.isnan(found["erratic"][1])
    assert np.isnan(found["intermittent"]).all()
    assert found[ALL].tolist() == pytest.approx([0.05, 0.2])
    told = Fold.of(outcome).to_dict()
    assert told["volume"]["erratic"] == pytest.approx(100 / 132)
    assert told["coverage"] == [pytest.approx(2 / 3), 0.5]
    assert told["bias"][0] == pytest.approx(-10 / 66)
    assert stored_losses([told])[0][ALL].tolist() == found[ALL].tolist()
