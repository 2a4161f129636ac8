"""Buckets in which nothing can be released: what the order before them must last, and that none is released in them."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from services.planner.engine.plan import plan
from tests.unit.planner.cases import demand_of, random_case, supply_of


def closed(periods: int, *buckets: int) -> np.ndarray:
    shut = np.zeros((1, periods), dtype=bool)
    shut[0, list(buckets)] = True
    return shut


def test_the_order_before_an_outage_lasts_until_a_release_after_it_can_arrive() -> None:
    """Ten a bucket, one bucket away: without outage the first order is for one bucket, before three shut ones for 4."""
    supply = supply_of(1, 8, lead_time=1, on_hand=10.0, holding_cost=0.01)
    demand = demand_of(np.full((1, 8), 10.0))
    assert plan(supply, demand, paths=5).orders.option.quantity.tolist() == [10.0]
    shut = supply_of(1, 8, lead_time=1, on_hand=10.0, holding_cost=0.01, closed=closed(8, 1, 2, 3))
    found = plan(shut, demand, paths=5)
    assert found.orders.option.quantity.tolist() == [40.0]
    assert found.orders.until.tolist() == [5]
    assert found.lines.planned_releases[0, :5].tolist() == [40.0, 0.0, 0.0, 0.0, 10.0]
    assert found.lines.shortage.sum() == 0


def test_what_cannot_be_released_in_the_whole_horizon_is_not_ordered() -> None:
    supply = supply_of(1, 6, closed=np.ones((1, 6), dtype=bool))
    found = plan(supply, demand_of(np.full((1, 6), 10.0)), paths=5)
    assert found.orders.option.quantity.tolist() == [0.0]
    assert found.lines.planned_releases.sum() == 0
    assert found.lines.shortage.sum() == 60.0


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), data=st.data())
def test_nothing_is_released_in_a_closed_bucket(seed: int, data: st.DataObject) -> None:
    shut = np.array(data.draw(st.lists(st.lists(st.booleans(), min_size=10, max_size=10), min_size=3, max_size=3)))
    supply, demand = random_case(seed, closed=shut)
    released = plan(supply, demand, paths=20).lines.planned_releases
    assert not np.any(released[shut])


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_where_nothing_is_closed_the_gap_is_the_review_period(seed: int) -> None:
    supply, _ = random_case(seed)
    assert np.array_equal(supply.gap, supply.review)
