import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.forecast.engine import sampling
from services.forecast.engine.history import History, Memory
from services.forecast.engine.sampling import cut_blocks, held_out_cells, training_cells
from tests.unit.forecast.conftest import seasonal_demand

MEMORY = Memory.of("M", 12)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 6), st.integers(2, 50), st.integers(1, 8), st.integers(0, 10**6))
def test_training_cells_are_distinct_known_and_after_a_first_sale(n, length, horizon, seed):
    random = np.random.default_rng(seed)
    demand = random.poisson(1, (n, length)).astype(float)
    demand[random.random((n, length)) < 0.2] = np.nan
    cells = training_cells(History(demand, MEMORY), horizon, random)
    assert len({*zip(cells.series, cells.origin, cells.horizon, strict=True)}) == len(cells)
    for series, origin, step in zip(cells.series, cells.origin, cells.horizon, strict=True):
        assert 1 <= step <= horizon
        assert np.nansum(demand[series, : origin + 1]) > 0
        assert not np.isnan(demand[series, origin + step])


def test_the_budget_bounds_the_cells(monkeypatch):
    monkeypatch.setattr(sampling, "TRAINING_BUDGET", 500)
    history = History(seasonal_demand(20, 60), MEMORY)
    assert len(training_cells(history, 6, rng())) == 500


def test_series_that_start_late_still_teach():
    demand = np.full((10, 100), np.nan)
    demand[:, 70:] = 5.0
    assert len(training_cells(History(demand, MEMORY), 4, rng())) > 500


def test_blocks_lie_a_horizon_apart_and_leave_training_cells_before_them():
    history = History(seasonal_demand(40, 72), MEMORY)
    cells = training_cells(history, 6, rng())
    blocks = cut_blocks(history, cells, 6)
    assert [block.end for block in blocks] == [71, 65, 59, 53][: len(blocks)]
    assert len(blocks) >= 2
    assert all((cells.target <= block.cut).sum() >= 0.25 * len(cells) for block in blocks)


@pytest.mark.parametrize("length", [8, 13, 26])
def test_a_short_history_still_gives_one_block_with_cells_on_both_sides(length):
    history = History(seasonal_demand(10, length), MEMORY)
    cells = training_cells(history, 6, rng())
    block = cut_blocks(history, cells, 6)[0]
    assert (cells.target <= block.cut).any()
    assert len(held_out_cells(history, block, 6, rng()))


def test_held_out_cells_are_unseen_by_the_model_before_the_block():
    history = History(seasonal_demand(40, 72), MEMORY)
    block = cut_blocks(history, training_cells(history, 6, rng()), 6)[1]
    cells = held_out_cells(history, block, 6, rng())
    assert cells.origin.min() >= block.cut
    assert cells.target.max() <= block.end
    assert cells.target.min() > block.cut
