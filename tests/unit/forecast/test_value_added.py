import numpy as np
import pytest

from services.forecast.engine.members import MEMBERS
from services.forecast.engine.value_added import Point, told_by_members, value_added
from tests.unit.forecast.conftest import panel_of

HISTORY = np.array([[0.0, 2, 0, 2, 0]])  # naive steps of 2
NOTHING = np.full((len(MEMBERS), 1, 2), 10.0)


def test_the_share_of_a_members_error_that_the_model_saves():
    members = np.full_like(NOTHING, 14)
    found = value_added([Point(HISTORY, np.array([[10.0, 10]]), np.array([[11.0, 11]]), members)])
    assert found["theta"] == pytest.approx({"wmape": 0.4, "rmsse": 2, "bias": 0.4, "value_added": 0.75})


def test_a_member_that_never_errs_leaves_nothing_to_add():
    found = value_added([Point(HISTORY, np.array([[10.0, 10]]), np.array([[11.0, 11]]), NOTHING)])
    assert found["mean"] == {"wmape": 0, "rmsse": 0, "bias": 0, "value_added": None}


def test_origins_count_alike():
    demand, mean = np.array([[10.0, 10]]), np.array([[11.0, 11]])
    points = [Point(HISTORY, demand, mean, NOTHING + miss) for miss in (1, 3)]
    assert value_added(points)["sba"]["rmsse"] == pytest.approx(1)
    assert value_added(points)["sba"]["value_added"] == pytest.approx(0.5)


def test_members_tell_the_periods_asked_for():
    demand = np.tile(np.arange(1.0, 5), (3, 6))
    demand[2] = np.nan
    found = told_by_members(panel_of(demand, horizon=4, season=4))
    naive = found[MEMBERS.index("seasonal_naive")]
    assert naive[:2].tolist() == [[1, 2, 3, 4]] * 2
    assert not found[:, 2].any()
