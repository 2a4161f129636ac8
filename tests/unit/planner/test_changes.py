"""Orders under way that come too early: which, until when, and what it is worth, by hand and by planning anew."""

import numpy as np
import pytest

from services.planner.engine.changes import changes, unneeded
from services.planner.engine.plan import plan
from tests.unit.planner.cases import demand_of, supply_of

PERIODS = 8


def planned(supply, spread=0.0):
    demand = demand_of(np.full((len(supply.on_hand), PERIODS), 10.0), spread=spread)
    return demand, plan(supply, demand, paths=60).lines


def early(n=1, **given):
    """Stock for five buckets of 10 and an order for 20 in the second."""
    receipts = np.zeros((n, PERIODS))
    receipts[:, 1] = 20.0
    return supply_of(n, PERIODS, receipts=receipts, shortage_cost=5.0, holding_cost=0.5, on_hand=50.0, **given)


ORDER = (np.array([0]), np.array([1]), np.array([20.0]), np.array([False]))


def test_an_order_comes_when_stock_would_run_out_without_it() -> None:
    """50 units last until the end of the fifth bucket: 20 units held four buckets less at 0.5 are 40."""
    supply = early()
    demand, lines = planned(supply)
    found = changes(supply, demand, lines, ORDER, paths=60, most=10)
    assert found is not None
    assert found.bucket.tolist() == [5]
    assert found.saved["holding_cost"].tolist() == [40.0]
    assert found.saved["shortage_cost"].tolist() == [0.0]


def test_what_is_not_needed_at_all_is_called_off_where_that_can_be() -> None:
    receipts = np.tile([[0.0, 20.0] + [0.0] * 6], (2, 1))
    supply = supply_of(2, PERIODS, receipts=receipts, on_hand=200.0, holding_cost=0.5)
    demand, lines = planned(supply, spread=0.1)
    orders = (np.array([0, 1]), np.array([1, 1]), np.array([20.0, 20.0]), np.array([True, False]))
    found = changes(supply, demand, lines, orders, paths=60, most=10)
    assert found is not None
    assert (found.order.tolist(), found.bucket.tolist()) == ([0], [PERIODS])
    assert found.saved["holding_cost"] == pytest.approx([0.5 * 20 * 7])


def test_an_order_that_is_needed_or_hardly_early_is_left_alone() -> None:
    receipts = np.zeros((1, PERIODS))
    receipts[0, 2] = 20.0
    supply = supply_of(1, PERIODS, receipts=receipts, on_hand=20.0, shortage_cost=5.0)
    demand, lines = planned(supply, spread=0.2)
    orders = (np.array([0]), np.array([2]), np.array([20.0]), np.array([True]))
    assert changes(supply, demand, lines, orders, paths=60, most=10) is None


def test_of_several_orders_of_an_item_location_the_one_that_ties_up_most_is_told() -> None:
    demand, lines = planned(early())
    row, bucket = np.array([0, 0]), np.array([1, 2])
    found, later = unneeded(lines, row, bucket, np.array([4.0, 20.0]), np.array([True, True]))
    assert (found.tolist(), later.tolist()) == ([1], [5])
    assert demand.mean.sum() == 80


def test_only_the_dearest_are_looked_into() -> None:
    supply = early(2)
    demand, lines = planned(supply)
    orders = (np.array([0, 1]), np.array([1, 1]), np.array([10.0, 20.0]), np.array([False, False]))
    found = changes(supply, demand, lines, orders, paths=60, most=1)
    assert found is not None
    assert found.order.tolist() == [1]
