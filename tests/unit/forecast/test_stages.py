"""What each stage adds: the field's teaching case, one by hand with its interval, and that stages sum to the whole."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.forecast.engine.members import MEMBERS
from services.forecast.engine.segments import segments
from services.forecast.engine.stages import StageTally, added, series_sums
from services.forecast.engine.value_added import told_by_members

NAN = np.nan


def tallied(demand, told, group=None, groups=1):
    demand, told = np.array(demand, dtype=float), np.array(told, dtype=float)
    tally = StageTally(groups, len(told))
    rows = np.arange(len(demand))
    tally.add(np.zeros_like(rows) if group is None else np.array(group), rows, series_sums(demand, told))
    return tally.figures()


def test_golden_case_g28():
    """PLANNING.md, G28: MAPE of naive, statistical, analyst and executive forecasts (inphronesys, a teaching page)."""
    found = added(np.array([14.6, 12.3, 13.6, 15.3]))
    assert found == pytest.approx([2.3, -1.3, -1.7])
    assert found.sum() == pytest.approx(-0.7)


def test_the_golden_case_on_demand():
    """100 units are asked for; each stage is off by its golden error."""
    (found,) = tallied([[100.0]], np.array([14.6, -12.3, 13.6, 15.3]).reshape(4, 1, 1) + 100)
    assert found.wmape == pytest.approx([0.146, 0.123, 0.136, 0.153])
    assert found.bias == pytest.approx([0.146, -0.123, 0.136, 0.153])
    assert [one.value_added for one in found.added] == pytest.approx([0.023, -0.013, -0.017])
    assert found.total.value_added == pytest.approx(-0.007)
    assert (found.total.low, found.total.high) == (None, None)


def test_the_interval_of_a_case_by_hand():
    """Five series that ask for 10; naive is off by 5 more than the next stage's 0 to 4, so it gains 5 to 1.

    0.3 of demand is gained. Around it the gains miss by 2, 1, 0, -1 and -2 units, whose squares sum to 10: the standard
    error is the root of 10 x 5/4, over 50.
    """
    demand = np.full((5, 1), 10.0)
    (found,) = tallied(demand, [demand + 5, demand + np.arange(5.0)[:, None]])
    (step,) = found.added
    assert (found.n, found.series, step) == (5, 5, found.total)
    assert step.value_added == pytest.approx(0.3)
    assert (step.high - step.value_added) == pytest.approx(1.959964 * np.sqrt(12.5) / 50, rel=1e-6)
    assert (step.value_added - step.low) == pytest.approx(1.959964 * np.sqrt(12.5) / 50, rel=1e-6)


def test_a_series_told_of_twice_is_one_series():
    demand = np.array([[10.0], [20.0]])
    sums = series_sums(demand, np.stack([demand + 4, demand + 1]))
    tally = StageTally(1, 2)
    tally.add(np.zeros(4, dtype=int), np.array([0, 1, 0, 1]), np.vstack([sums, sums]))
    (found,) = tally.figures()
    assert (found.n, found.series, found.total.value_added) == (4, 2, pytest.approx(12 / 60))


def test_groups_and_what_is_not_known():
    demand = [[10.0, NAN], [NAN, NAN], [4.0, 6.0]]
    told = [[[12.0, 99.0], [1.0, 1.0], [5.0, 5.0]], [[9.0, 99.0], [1.0, 1.0], [4.0, 2.0]]]
    first, nothing, last = tallied(demand, told, group=[0, 1, 2], groups=3)
    assert nothing is None
    assert (first.n, first.wmape) == (1, pytest.approx([0.2, 0.1]))
    assert (last.n, last.wmape, last.total.value_added) == (2, pytest.approx([0.2, 0.4]), pytest.approx(-0.2))


def test_without_demand_there_is_no_share():
    (found,) = tallied([[0.0]], [[[1.0]], [[2.0]]])
    assert (found.n, found.wmape, found.total.value_added) == (1, [None, None], None)


units = st.floats(0, 1e6)


@given(st.lists(st.tuples(st.floats(0.1, 1e6), units, units, units, units), min_size=1, max_size=8))
def test_stages_sum_to_the_whole(rows):
    table = np.array(rows)
    (found,) = tallied(table[:, :1], table[:, 1:].T[:, :, None])
    assert sum(one.value_added for one in found.added) == pytest.approx(found.total.value_added, abs=1e-6, rel=1e-9)
    assert found.total.value_added == pytest.approx(found.wmape[0] - found.wmape[3], abs=1e-6, rel=1e-9)


def test_a_forecast_keeps_what_would_have_been_said_without_its_model(seasonal_panel, seasonal_model):
    found = seasonal_model.forecast(seasonal_panel).baselines
    told = told_by_members(seasonal_panel)
    assert found[:, 0] == pytest.approx(told[MEMBERS.index("seasonal_naive")], rel=1e-6)
    partners = {
        "smoothing": ("smoothing", "theta"),
        "trend": ("trend", "theta"),
        "mean": ("mean",),
        "rare": ("sba", "tsb"),
    }
    for series, segment in enumerate(segments(seasonal_panel.demand)):
        names = partners[seasonal_model.blend.partner[segment]]
        expected = np.mean([told[MEMBERS.index(name)][series] for name in names], axis=0)
        assert found[series, 1] == pytest.approx(expected, rel=1e-6)
