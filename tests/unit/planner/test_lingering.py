"""How long a unit too many stays, by hand, and what the first order makes of it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.planner.engine.lingering import MOST_REVIEWS, lingering
from services.planner.engine.plan import plan
from tests.unit.planner.cases import demand_of, supply_of

LEVEL = [10.0, 7.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0]


def paths(*each: list[float]) -> np.ndarray:
    return np.array([each], dtype=np.float32)


@pytest.mark.parametrize("level", [[5.0] * 10, [5.0, 6.0, 1.0, *[1.0] * 7]])
def test_where_the_next_level_is_no_lower_a_unit_is_held_for_one_review(level: list[float]) -> None:
    assert lingering(supply_of(1, 10), paths([0.0] * 10), np.array([level])).tolist() == [1.0]


def test_a_unit_stays_until_demand_has_come_down_to_the_level() -> None:
    """Falls of 3, 8, 8, ...: demand of 4 a bucket is past the first fall at once, of 2 in the fourth bucket."""
    supply = supply_of(1, 10)
    assert lingering(supply, paths([4.0] * 10), np.array([LEVEL])).tolist() == [1.0]
    assert lingering(supply, paths([2.0] * 10), np.array([LEVEL])).tolist() == [4.0]
    assert lingering(supply, paths([4.0] * 10, [2.0] * 10), np.array([LEVEL])).tolist() == [2.5]


def test_reviews_are_counted_from_the_release_and_in_their_own_length() -> None:
    """Released in bucket 1 and reviewed every 2: falls of 5 in bucket 3, demand of 4 from buckets 1 and 2."""
    supply = supply_of(1, 10, fence=1, review=2)
    assert lingering(supply, paths([9.0, 2.0, 2.0, *[1.0] * 7]), np.array([LEVEL])).tolist() == [2.0]


def test_the_end_of_the_forecast_is_no_fall() -> None:
    """With a lead time of 8, bucket 1 is the last whose lead time and review are inside the horizon."""
    assert lingering(supply_of(1, 10, lead_time=8), paths([0.0] * 10), np.array([LEVEL])).tolist() == [2.0]


@settings(max_examples=60, deadline=None)
@given(
    level=st.lists(st.floats(0, 50), min_size=12, max_size=12),
    demand=st.lists(st.floats(0, 20, width=32), min_size=12, max_size=12),
    more=st.floats(0, 5, width=32),
)
def test_it_is_bounded_and_more_demand_never_makes_it_longer(
    level: list[float], demand: list[float], more: float
) -> None:
    supply, levels = supply_of(1, 12), np.array([level])
    found = lingering(supply, paths(demand), levels)
    assert 1 <= found[0] <= MOST_REVIEWS
    assert lingering(supply, paths([value + more for value in demand]), levels)[0] <= found[0]


def test_the_order_before_a_fall_answers_for_the_longer_stay() -> None:
    """A level of 129 falls to 2.6, and demand after the first bucket is 2.

    A unit too many stays for 1 + the sum over j = 1..7 of P(D + 2(j - 1) < 126.4) = 6.24 buckets: the fractile of
    normal demand is 1 / (1 + 6.24 x 0.2) = 0.445, 4.2 below the mean.
    """
    even, falling = np.full((1, 12), 100.0), np.array([[100.0, *[2.0] * 11]])
    supply = supply_of(1, 12, holding_cost=0.2, shortage_cost=1.0)
    before, after = (plan(supply, demand_of(mean, spread=0.3), paths=400) for mean in (even, falling))
    ordered = before.orders.option.quantity[0], after.orders.option.quantity[0]
    assert ordered[0] == pytest.approx(129, abs=4)
    assert ordered[1] == pytest.approx(95.8, abs=4)
