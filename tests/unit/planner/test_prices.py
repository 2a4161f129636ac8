"""Costs of buying that change within the horizon: bought ahead of a rise, put off before a fall, paid as they were."""

import numpy as np
import pytest

from services.planner.engine.cover import cover
from services.planner.engine.exact import total
from services.planner.engine.plan import plan
from tests.unit.planner.cases import demand_of, supply_of

PERIODS = 8


def first_order(prices, **given):
    supply = supply_of(1, PERIODS, unit_cost=np.array([prices]), **{"shortage_cost": 20.0} | given)
    return plan(supply, demand_of(np.full((1, PERIODS), 10.0), spread=0.3), paths=60)


def test_an_uncertain_rise_is_bought_ahead_for_until_holding_costs_more() -> None:
    """A unit held costs 0.2 a bucket: a rise by 0.7 pays for three buckets, one by 5 for all that follow."""
    steady, small, large = (
        first_order([1.0, *[later] * (PERIODS - 1)]).orders.option.quantity[0] for later in (1, 1.7, 6)
    )
    assert 10 < steady < 20
    assert 40 < small < 55
    assert 80 < large < 95


def test_before_a_fall_only_what_is_wanted_at_once_is_bought() -> None:
    """With 12 on hand the first bucket is likely served: at a steady price stock is filled up, before a fall not."""
    steady = first_order([5.0] * PERIODS, on_hand=12.0, shortage_cost=4.0)
    falling = first_order([5.0, *[1.0] * (PERIODS - 1)], on_hand=12.0, shortage_cost=4.0)
    assert steady.orders.option.quantity[0] > 0
    assert falling.orders.option.quantity[0] == 0


def test_each_release_is_paid_at_the_price_of_its_bucket() -> None:
    prices = np.array([2.0, 1.0, 4.0, 3.0, 3.0, 2.0, 2.0, 2.0])
    found = first_order(prices)
    released = found.lines.planned_releases[0]
    assert found.lines.purchase_cost[0] == pytest.approx(prices * released)
    assert found.kpis.plan.cost_purchase.mean == pytest.approx(float(prices @ released), rel=1e-6)


def test_an_order_cost_of_its_day_is_paid_and_avoided() -> None:
    """Ordering costs 90 in every second bucket and nothing in the others, where all orders are placed."""
    costs = np.tile([[0.0, 90.0]], PERIODS // 2)
    supply = supply_of(1, PERIODS, order_cost=costs, shortage_cost=50.0)
    assert cover(supply, np.full((1, PERIODS), 10.0))[0, :5:2].tolist() == [2, 2, 2]
    found = plan(supply, demand_of(np.full((1, PERIODS), 10.0)), paths=5)
    assert found.lines.planned_releases[0].tolist() == [20.0, 0.0] * (PERIODS // 2)
    assert found.lines.ordering_cost.sum() == 0


def test_rows_whose_costs_change_add_up_as_they_do_alone() -> None:
    prices = np.array([[1.0] * PERIODS, [1.0, *[3.0] * (PERIODS - 1)], [2.5] * PERIODS])
    supply = supply_of(
        3, PERIODS, unit_cost=prices, order_cost=np.tile([[3.0, 1.0]], PERIODS // 2), lead_time=[0, 1, 2]
    )
    demand = demand_of(np.full((3, PERIODS), 7.0), spread=0.4)
    whole = plan(supply, demand, paths=40).tallies[0]
    parts = [plan(supply.rows([row]), demand.rows([row]), paths=40).tallies[0] for row in range(3)]
    together = parts[0] + parts[1] + parts[2]
    assert np.array_equal(total(together.purchase), total(whole.purchase))
    assert np.array_equal(total(together.ordering), total(whole.ordering))
