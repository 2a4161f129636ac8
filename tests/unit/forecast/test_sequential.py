"""The sequential test: by hand, under the null over a whole stretch, and how soon it sees what is there."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from services.forecast.engine import sequential
from services.forecast.engine.sequential import ALPHA, BETS, BOUND

RUNS, ROUNDS = 2000, 150


def losses(seed, saves):
    """Losses [RUNS, ROUNDS] of the champion and of a rival that saves a share, common shocks and own noise in both."""
    random = np.random.default_rng(seed)
    common = np.exp(random.normal(0, 0.5, (RUNS, ROUNDS)))
    own = np.exp(random.normal(0, 0.1, (2, RUNS, ROUNDS)))
    return common * own[0], (1 - saves) * common * own[1]


def first_alarm(before, rival):
    """[RUNS] the round of the first alarm, infinite where there is none."""
    sure = sequential.evidence(sequential.gains(before, rival)) >= 1 / ALPHA
    return np.where(sure.any(axis=1), sure.argmax(axis=1) + 1, np.inf)


def test_the_capital_by_hand():
    """Two rounds: a gain of 10 % of the mean loss, half of what counts, then a loss beyond what counts."""
    found = sequential.gains(np.array([10.5, 1.0]), np.array([9.5, 3.0]))
    assert found == pytest.approx([0.1 / BOUND, -1])
    expected = [(1 + BETS / 2).mean(), ((1 + BETS / 2) * (1 - BETS)).mean()]
    assert sequential.evidence(found) == pytest.approx(expected)


def test_who_looks_after_each_of_all_rounds_is_seldom_misled():
    alarms = np.isfinite(first_alarm(*losses(1, 0.0)))
    assert 0.005 < alarms.mean() <= ALPHA


def test_jumps_that_average_out_mislead_no_more():
    """The hardest null: nine small gains for one loss as large as all of them."""
    random = np.random.default_rng(2)
    jumps = np.where(random.random((RUNS, ROUNDS)) < 0.1, -0.9, 0.1)
    assert (sequential.evidence(jumps).max(axis=1) >= 1 / ALPHA).mean() <= ALPHA


def test_a_rival_that_saves_a_tenth_is_seen():
    alarms = first_alarm(*losses(3, 0.1))
    assert np.isfinite(alarms).mean() > 0.99
    assert np.median(alarms) <= 18


def test_a_rival_that_saves_a_twentieth_is_seen_later():
    alarms = first_alarm(*losses(3, 0.05))
    assert np.isfinite(alarms).mean() > 0.95
    assert np.median(alarms) <= 50


def test_one_that_is_worse_never_wins():
    assert np.isfinite(first_alarm(*losses(4, -0.05))).mean() < 0.001


@given(arrays(float, st.integers(0, 30), elements=st.floats(-1, 1)))
def test_the_verdict_is_the_first_crossing(found):
    told = sequential.verdict(found)
    path = sequential.evidence(found) if len(found) else np.array([1.0])
    assert told.evidence == path[-1] > 0
    crossed = (path >= 1 / ALPHA).nonzero()[0]
    assert told.after == (crossed[0] + 1 if len(crossed) else None)


@given(arrays(float, 12, elements=st.floats(0, 1e6)), arrays(float, 12, elements=st.floats(0, 1e6)))
def test_what_one_gains_the_other_loses(before, rival):
    found = sequential.gains(before, rival)
    assert found == pytest.approx(-sequential.gains(rival, before))
    assert np.abs(found).max() <= 1
