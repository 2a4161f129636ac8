"""Conventions of time and balance: receipts at the start, lead time 0 at once, purchase at release."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.planner.engine.inputs import Floats, Supply
from services.planner.engine.order import order_quantity, stockouts
from services.planner.engine.policies import benchmark
from services.planner.engine.rollout import Bucket, Policy, roll
from services.planner.engine.window import open_window
from tests.unit.planner.cases import paths_of, random_case, supply_of


def once(t: int, quantity: float) -> Policy:
    """Release one quantity in bucket t."""
    return lambda bucket, position: np.full(position.shape, quantity if bucket == t else 0.0)


def only(supply: Supply, demand: list[float], policy: Policy | None = None) -> list[Bucket]:
    """Roll one item-location along one path."""
    return list(roll(supply, np.array([[demand]]), policy))


def row(buckets: list[Bucket], name: str) -> list[float]:
    return [float(getattr(bucket, name)[0, 0]) for bucket in buckets]


def test_a_scheduled_receipt_serves_the_demand_of_its_own_bucket() -> None:
    buckets = only(supply_of(periods=3, on_hand=5.0, receipts=np.array([[0.0, 7.0, 0.0]])), [5, 6, 4])
    assert row(buckets, "stock") == [0.0, 1.0, 0.0]
    assert row(buckets, "short") == [0.0, 0.0, 3.0]


@pytest.mark.parametrize(("lead_time", "received"), [(0, [0, 8, 0, 0]), (1, [0, 0, 8, 0]), (2, [0, 0, 0, 8])])
def test_a_release_arrives_a_lead_time_later_and_is_bought_at_release(lead_time: int, received: list[float]) -> None:
    supply = supply_of(periods=4, lead_time=lead_time)
    buckets = only(supply, [1, 2, 3, 4], once(1, 8.0))
    assert row(buckets, "received") == received
    assert row(buckets, "released") == [0, 8, 0, 0]


def test_unmet_demand_is_lost_or_waits() -> None:
    receipts = np.array([[0.0, 0.0, 9.0]])
    lost = only(supply_of(periods=3, on_hand=2.0, receipts=receipts), [5, 1, 3])
    late = only(supply_of(periods=3, on_hand=2.0, receipts=receipts, backlog=True), [5, 1, 3])
    assert (row(lost, "short"), row(lost, "backlog"), row(lost, "stock")) == ([3, 1, 0], [0, 0, 0], [0, 0, 6])
    assert (row(late, "short"), row(late, "backlog"), row(late, "stock")) == ([3, 1, 0], [3, 4, 0], [0, 0, 2])


def test_a_backlog_brought_in_is_no_shortage_of_this_plan() -> None:
    buckets = only(supply_of(periods=2, on_hand=-4.0, lead_time=1, backlog=True), [1, 1], once(0, 5.0))
    assert row(buckets, "short") == [1, 1]
    assert row(buckets, "backlog") == [5, 1]


def test_reviews_start_at_the_fence() -> None:
    supply = supply_of(periods=6, fence=1, review=2, lead_time=1)
    buckets = only(supply, [1.0] * 6, lambda _, position: np.ones_like(position))
    assert row(buckets, "released") == [0, 1, 0, 1, 0, 1]


def test_the_position_counts_what_arrives_before_the_following_delivery() -> None:
    seen = []

    def watch(t: int, position: Floats) -> Floats:
        seen.append((t, float(position[0, 0])))
        return np.full_like(position, 10.0)

    receipts = np.array([[0.0, 3.0, 0.0, 100.0, 0.0]])
    only(supply_of(periods=5, on_hand=2.0, lead_time=2, receipts=receipts, backlog=True), [4.0] * 5, watch)
    assert seen == [(0, 5.0), (1, 111.0), (2, 117.0), (3, 123.0), (4, 129.0)]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_balance_holds_on_each_path_and_in_each_bucket(seed: int) -> None:
    supply, demand = random_case(seed)
    paths = paths_of(demand, 12)
    start = np.repeat(supply.on_hand[:, None], 12, axis=1)
    released = np.zeros_like(start)
    for t, bucket in enumerate(roll(supply, paths, benchmark(supply, demand.recent, paths))):
        end = bucket.stock - bucket.backlog
        lost = np.where(supply.backlog[:, None], 0.0, bucket.short)
        into = bucket.received + supply.receipts[:, t, None]
        np.testing.assert_allclose(end, start + into - paths[:, :, t] + lost, atol=1e-4)
        assert np.all(bucket.stock * bucket.backlog == 0)
        assert np.all((bucket.short >= 0) & (bucket.short <= paths[:, :, t]))
        lots = bucket.released / supply.multiple[:, None]
        np.testing.assert_allclose(lots, np.round(lots), rtol=1e-9)
        ordered = bucket.released > 0
        assert np.all((bucket.released >= supply.moq[:, None] - 1e-9) | ~ordered)
        assert np.all(bucket.released <= supply.max_qty[:, None] + 1e-9)
        start, released = end, released + bucket.released
    assert released.sum() > 0


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_window_sees_what_the_rollout_does(seed: int) -> None:
    """The decision's thresholds and the bucket-by-bucket simulation agree on stock-outs of the first order."""
    supply, demand = random_case(seed)
    paths = paths_of(demand, 20)
    window = open_window(supply, paths, np.ones(3, dtype=np.int64))
    quantity = order_quantity(supply, window)

    def first(t: int, position: Floats) -> Floats:
        return np.where((supply.fence == t)[:, None], quantity[:, None], np.zeros_like(position))

    worst = np.zeros(window.projected.shape)
    for t, bucket in enumerate(roll(supply, paths, first)):
        near = (t >= supply.arrival) & (t < supply.arrival + supply.review)
        missing = np.where(supply.backlog[:, None], bucket.backlog, bucket.short)
        worst = np.maximum(worst, np.where(near[:, None], missing, 0.0))
    out = stockouts(window, quantity)
    assert np.all(out[worst > 1e-3])  # between the two, rounding decides
    assert not np.any(out[worst < 1e-6])


def test_the_benchmark_orders_four_buckets_of_a_moving_average() -> None:
    supply = supply_of(periods=4, multiple=0.5)
    recent = np.array([[100.0, *[4.0] * 12, 17.0]])  # the oldest of fourteen is not looked at: average 5
    paths = np.array([[[4.0, 30.0, 0.0, 0.0]]])
    buckets = list(roll(supply, paths, benchmark(supply, recent, paths)))
    assert row(buckets, "released") == [20.0, 4.0, 28.0, 0.0]
