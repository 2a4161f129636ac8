"""What the bench on drift does to a series, and how it counts."""

import numpy as np
import pytest

from bench import drift
from bench.drifting.detectors import Contestants, false_alarms, threshold
from bench.drifting.replay import Replay
from bench.drifting.sets import MADE


@pytest.fixture(scope="module")
def replay(tmp_path_factory):
    return Replay.of(MADE, MADE.panel(tmp_path_factory.getbasetemp(), 1, 8))


def test_changes_touch_nothing_before_they_begin(replay):
    demand, begins = replay.panel.demand, replay.begins
    later = np.arange(demand.shape[1]) >= begins[:, None]
    fallen = replay.after("level_-40")
    assert np.array_equal(fallen.demand[~later], demand[~later])
    assert fallen.demand[later] == pytest.approx(0.6 * demand[later])
    known = ~np.isnan(replay.healthy.mean[:, : replay.watched])
    assert np.array_equal(fallen.mean[:, : replay.watched][known], replay.healthy.mean[:, : replay.watched][known])
    wider = replay.after("variance_x2").demand - replay.healthy.mean
    free = later & (wider > -replay.healthy.mean)  # demand does not fall below zero
    assert (wider / (demand - replay.healthy.mean))[free] == pytest.approx(np.sqrt(2))
    dead = replay.after("dead_driver").drivers[0].matrix[:, replay.watched - 1 :]
    assert np.array_equal(dead, np.broadcast_to(dead[:, :1], dead.shape))


def test_every_contestant_keeps_to_the_rate(replay):
    for name, detector in Contestants.of(replay, 0.5).all().items():
        limit = threshold(detector, replay, 0.5)
        assert false_alarms(detector, replay, limit) <= 0.5, name


def test_delays_by_hand(replay):
    """Of two, one is noticed in the third period that changed, one never within its five."""

    class Told:
        demand = np.zeros((2, 10))

    raised = np.zeros((2, 10), dtype=bool)
    raised[0, [1, 6]] = True
    assert drift._delay(lambda _told, _limit: raised, Told, 1.0, np.array([4, 5])) == ((3 + 5) / 2, 0.5)
