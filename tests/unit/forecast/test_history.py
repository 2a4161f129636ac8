import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from services.forecast.engine.history import History, Memory

MEMORY = Memory.of("M", 12)
demands = arrays(
    np.float32,
    st.tuples(st.integers(1, 4), st.integers(1, 30)),
    elements=st.one_of(st.just(np.nan), st.integers(0, 50).map(float)),
)


@settings(max_examples=60, deadline=None)
@given(demands, st.data())
def test_window_means_equal_the_means_of_the_known_periods(demand, data):
    row = data.draw(st.integers(0, len(demand) - 1))
    stop = data.draw(st.integers(0, demand.shape[1]))
    width = data.draw(st.integers(1, 12))
    history = History(demand, MEMORY)
    found = history.mean(np.array([row]), np.array([stop]), width)[0]
    window = history.demand[max(stop - width, 0) : stop, row]
    known = window[~np.isnan(window)]
    assert np.isnan(found) if not len(known) else found == np.float64(known.mean(dtype=np.float64))


def test_a_spike_is_cut_to_six_times_what_was_seen_before_and_the_next_one_is_not():
    demand = np.array([[4.0, 5, 0, 4, 4, 4, 4, np.nan, 4, 4, 90, 4, 90], [90, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 90]])
    cut = History(demand, MEMORY).demand.T
    assert cut[0, -3:].tolist() == [30, 4, 90]
    assert np.array_equal(np.delete(cut[0], 10), np.delete(demand[0], 10), equal_nan=True)
    assert np.array_equal(cut[1], demand[1])


def test_a_spike_among_the_first_sales_is_no_spike_yet():
    demand = np.array([[1.0, 1, 50, 1, 1]])
    assert np.array_equal(History(demand, MEMORY).demand.T, demand)


def test_periods_since_the_last_sale():
    since = History(np.array([[0, 2, 0, 0, 5, np.nan]]), MEMORY).since_sale[:, 0]
    assert np.array_equal(since, [np.nan, 0, 1, 2, 0, 1], equal_nan=True)


def test_smoothing_keeps_still_where_demand_is_unknown():
    memory = Memory(4, 2, (2,), (0.5,), (2,), 10)
    smoothed = History(np.array([[np.nan, 4, np.nan, 8]], dtype=np.float32), memory).smoothed[0.5][:, 0]
    assert np.array_equal(smoothed, [np.nan, 4, 4, 6], equal_nan=True)


def test_level_is_the_recent_mean_and_never_below_a_tenth_of_the_long_run():
    demand = np.r_[np.full(20, 100.0), np.full(11, 0.0), 12.0][None].astype(np.float32)
    history = History(demand, MEMORY)
    origins = np.array([19, 31])
    assert np.allclose(history.level(np.zeros(2, dtype=int), origins), [100, 0.1 * demand.mean()])


def test_a_silent_year_leaves_the_long_run_mean_as_level():
    demand = np.r_[np.full(12, 10.0), np.zeros(12)][None].astype(np.float32)
    assert History(demand, MEMORY).level(np.array([0]), np.array([23]))[0] == 5


def test_no_level_before_the_first_sale():
    assert np.isnan(History(np.array([[0.0, 0.0, 3.0]]), MEMORY).level(np.array([0]), np.array([1]))[0])
