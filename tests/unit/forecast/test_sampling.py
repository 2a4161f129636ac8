import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.forecast.engine.history import History, Memory
from services.forecast.engine.sampling import cut_blocks, held_out_cells, training_cells
from tests.unit.forecast.conftest import seasonal_demand

MEMORY = Memory.of("M", 12)
BUDGET = 120_000


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 6), st.integers(2, 50), st.integers(1, 8), st.integers(0, 10**6))
def test_training_cells_are_distinct_known_and_after_a_first_sale(n, length, horizon, seed):
    random = np.random.default_rng(seed)
    demand = random.poisson(1, (n, length)).astype(float)
    demand[random.random((n, length)) < 0.2] = np.nan
    cells = training_cells(History(demand, MEMORY), horizon, length - 1, BUDGET, random)
    assert len({*zip(cells.series, cells.origin, cells.horizon, strict=True)}) == len(cells)
    for series, origin, step in zip(cells.series, cells.origin, cells.horizon, strict=True):
        assert 1 <= step <= horizon
        assert np.nansum(demand[series, : origin + 1]) > 0
        assert not np.isnan(demand[series, origin + step])


def test_the_budget_bounds_the_cells():
    history = History(seasonal_demand(20, 60), MEMORY)
    assert len(training_cells(history, 6, 59, 500, rng())) == 500


def test_no_cell_has_its_target_after_the_period_until_which_is_learned():
    cells = training_cells(History(seasonal_demand(20, 60), MEMORY), 6, 40, BUDGET, rng())
    assert cells.target.max() == 40
    assert cells.origin.min() < 20


def test_series_that_start_late_still_teach():
    demand = np.full((10, 100), np.nan)
    demand[:, 70:] = 5.0
    assert len(training_cells(History(demand, MEMORY), 4, 99, BUDGET, rng())) > 500


def test_blocks_lie_a_horizon_apart_and_leave_as_much_to_learn_from_before_them():
    history = History(seasonal_demand(40, 72), MEMORY)
    blocks = cut_blocks(history, 6)
    assert [block.end for block in blocks] == [71, 65, 59, 53]
    assert [block.cut for block in blocks] == [62, 56, 50, 44]


def test_blocks_end_where_little_is_left_to_learn_from():
    assert len(cut_blocks(History(seasonal_demand(40, 40), MEMORY), 6)) < 4


@pytest.mark.parametrize("length", [8, 13, 26])
def test_a_short_history_still_gives_one_block_with_cells_on_both_sides(length):
    history = History(seasonal_demand(10, length), MEMORY)
    block = cut_blocks(history, 6)[0]
    assert len(training_cells(history, 6, block.cut, BUDGET, rng()))
    assert len(held_out_cells(history, block, 6, rng()))


def test_held_out_cells_are_unseen_by_the_model_before_the_block():
    history = History(seasonal_demand(40, 72), MEMORY)
    block = cut_blocks(history, 6)[1]
    cells = held_out_cells(history, block, 6, rng())
    assert cells.origin.min() >= block.cut
    assert cells.target.max() <= block.end
    assert cells.target.min() > block.cut
