"""Orders under way that had better change: which, how, and what it is worth, by hand and by planning anew."""

from dataclasses import replace

import numpy as np
import pytest

from services.planner.engine.changes import UnderWay, changes, later
from services.planner.engine.plan import plan
from tests.unit.planner.cases import demand_of, supply_of

PERIODS = 8


def planned(supply, spread=0.0):
    demand = demand_of(np.full((len(supply.on_hand), PERIODS), 10.0), spread=spread)
    return demand, plan(supply, demand, paths=60)


def under_way(*orders, **given):
    """Orders of (row, bucket, quantity), that cannot be changed but for their date."""
    row, bucket, quantity = (np.array(column) for column in zip(*orders, strict=True))
    n = len(row)
    fields = {"cancellable": False, "enlargeable": False, "hurried": PERIODS} | given
    columns = {name: np.broadcast_to(np.asarray(value), n) for name, value in fields.items()}
    return UnderWay(row=row, bucket=bucket, quantity=quantity.astype(float), **columns)


def early(n=1, **given):
    """Stock for five buckets of 10 and an order for 20 in the second."""
    receipts = np.zeros((n, PERIODS))
    receipts[:, 1] = 20.0
    return supply_of(n, PERIODS, receipts=receipts, shortage_cost=5.0, holding_cost=0.5, on_hand=50.0, **given)


def changed(supply, orders, spread=0.0, most=10):
    demand, found = planned(supply, spread)
    return changes(supply, demand, found, orders, paths=60, most=most)


def test_an_order_comes_when_stock_would_run_out_without_it() -> None:
    """50 units last until the end of the fifth bucket: 20 units held four buckets less at 0.5 are 40."""
    found = changed(early(), under_way((0, 1, 20)))
    assert found is not None
    assert (found.moves.bucket.tolist(), found.moves.quantity.tolist()) == ([5], [20.0])
    assert found.saved["holding_cost"].tolist() == [40.0]
    assert found.saved["shortage_cost"].tolist() == [0.0]


def test_what_is_not_needed_at_all_is_called_off_where_that_can_be() -> None:
    receipts = np.tile([[0.0, 20.0] + [0.0] * 6], (2, 1))
    supply = supply_of(2, PERIODS, receipts=receipts, on_hand=200.0, holding_cost=0.5)
    found = changed(supply, under_way((0, 1, 20), (1, 1, 20), cancellable=[True, False]), spread=0.1)
    assert found is not None
    assert (found.moves.order.tolist(), found.moves.bucket.tolist()) == ([0], [PERIODS])
    assert found.moves.quantity.tolist() == [0.0]
    assert found.saved["holding_cost"] == pytest.approx([0.5 * 20 * 7])


def test_an_order_becomes_smaller_by_the_lots_that_are_never_needed() -> None:
    """10 on hand and 110 to come in the second bucket for 80 in all: four lots of 10 are left for good."""
    receipts = np.zeros((1, PERIODS))
    receipts[0, 1] = 110.0
    supply = supply_of(1, PERIODS, receipts=receipts, on_hand=10.0, holding_cost=0.5, multiple=10.0, moq=70.0)
    found = changed(supply, under_way((0, 1, 110), cancellable=True))
    assert found is not None
    assert (found.moves.bucket.tolist(), found.moves.quantity.tolist()) == ([1], [70.0])
    assert found.saved["holding_cost"].tolist() == [0.5 * 40 * 7]
    assert changed(replace(supply, moq=np.array([71.0])), under_way((0, 1, 110), cancellable=True)) is None
    assert changed(supply, under_way((0, 1, 110))) is None


def test_an_order_becomes_larger_in_place_of_a_new_one() -> None:
    """Dynamics 365's example (G25): 60 on order, the demand rises by 30, lots of 20: 40 more."""
    receipts = np.zeros((1, PERIODS))
    receipts[0, 2] = 60.0
    mean = np.zeros((1, PERIODS))
    mean[0, 2] = 90.0
    supply = supply_of(1, PERIODS, receipts=receipts, lead_time=2, multiple=20.0, order_cost=50.0, shortage_cost=90.0)
    demand = demand_of(mean)
    whole = plan(supply, demand, paths=60)
    assert whole.orders.option.quantity.tolist() == [40.0]
    found = changes(supply, demand, whole, under_way((0, 2, 60), enlargeable=True), paths=60, most=10)
    assert found is not None
    assert (found.moves.bucket.tolist(), found.moves.quantity.tolist()) == ([2], [100.0])
    assert found.saved["ordering_cost"].tolist() == [50.0]
    assert changes(supply, demand, whole, under_way((0, 2, 60)), paths=60, most=10) is None


def test_an_order_is_expedited_to_the_first_bucket_in_which_something_is_short() -> None:
    """10 on hand and 40 in the fifth bucket: from the second on 30 units would be lost, at 5 each.

    Had it in the second, the last of them would be held for three buckets, and the fifth bucket's be lost at the worst.
    """
    receipts = np.zeros((1, PERIODS))
    receipts[0, 4] = 40.0
    supply = supply_of(
        1, PERIODS, receipts=receipts, on_hand=10.0, lead_time=5, shortage_cost=5.0, holding_cost=0.5, order_cost=9.0
    )
    found = changed(supply, under_way((0, 4, 40), hurried=0))
    assert found is not None
    assert found.moves.bucket.tolist() == [1]
    assert found.saved["shortage_cost"][0] > 100.0
    later_at_best = changed(supply, under_way((0, 4, 40), hurried=2))
    assert later_at_best is not None
    assert later_at_best.moves.bucket.tolist() == [2]
    assert changed(supply, under_way((0, 4, 40), hurried=4)) is None


def test_an_order_that_is_needed_or_hardly_early_is_left_alone() -> None:
    receipts = np.zeros((1, PERIODS))
    receipts[0, 2] = 20.0
    supply = supply_of(1, PERIODS, receipts=receipts, on_hand=20.0, shortage_cost=5.0)
    assert changed(supply, under_way((0, 2, 20), cancellable=True), spread=0.2) is None


def test_of_several_orders_of_an_item_location_the_one_that_ties_up_most_is_told() -> None:
    _, found = planned(early())
    moves = later(early(), found.lines, under_way((0, 1, 4), (0, 2, 20), cancellable=True))
    assert (moves.order.tolist(), moves.bucket.tolist()) == ([1], [5])


def test_only_the_dearest_are_looked_into() -> None:
    found = changed(early(2), under_way((0, 1, 10), (1, 1, 20)), most=1)
    assert found is not None
    assert found.moves.order.tolist() == [1]
