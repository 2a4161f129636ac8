"""Stock valued by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.planner.engine.assets import assets, forward_cover
from tests.unit.planner.cases import demand_of, supply_of


def test_stock_by_hand() -> None:
    """30 at 2 with 10 a period last three; 5 at 4 are nobody's wish; a backlog of 7 is no stock; 90 of 40 asked for."""
    mean = np.array([[10.0] * 4, [0.0] * 4, [10.0] * 4, [10.0] * 4])
    supply = supply_of(
        4, 4, on_hand=np.array([30.0, 5.0, -7.0, 90.0]), unit_cost=np.array([2.0, 4.0, 1.0, 1.0]), backlog=True
    )
    found = assets(supply, demand_of(mean))
    assert found.stock == 60 + 20 + 90
    assert (found.past_demand, found.past_periods) == (13 * (20 + 10 + 10), 13)
    assert (found.expected_demand, found.periods) == (160.0, 4)
    assert (found.excess, found.obsolete) == (50.0, 20.0)
    assert found.cover == pytest.approx((60 * 3 + 20 * 4 + 90 * 4) / 170)


def test_without_stock_nothing_is_covered() -> None:
    assert assets(supply_of(1, 4), demand_of(np.ones((1, 4)))).cover == 0


@given(st.floats(0, 100), st.lists(st.floats(0, 20), min_size=1, max_size=8))
def test_cover_is_what_the_stock_lasts(stock: float, demand: list[float]) -> None:
    mean = np.array([demand])
    cover = float(forward_cover(np.array([stock]), mean)[0])
    assert 0 <= cover <= len(demand)
    whole = int(cover)
    assert sum(demand[:whole]) <= stock * (1 + 1e-9) + 1e-9
    if cover < len(demand):
        assert sum(demand[:whole]) + (cover - whole) * demand[whole] == pytest.approx(stock, abs=1e-6)
