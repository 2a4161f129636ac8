"""Reorder points and safety stock from sums of paths, and the factor that simulated cost puts on them."""

import numpy as np
import pytest

from services.planner.engine.levels import levels, safety_stock, with_safety
from services.planner.engine.policies import planned
from services.planner.engine.rollout import roll
from services.planner.engine.tuning import FACTORS, tuned
from tests.unit.planner.cases import demand_of, paths_of, supply_of


def test_safety_stock_of_two_weeks_at_the_textbook_service_level() -> None:
    """Weekly demand N(2500, 500) over two weeks at 0.92135 needs 1000 (Chopra and Meindl)."""
    paths = np.random.default_rng(2).normal(2500, 500, (1, 40_000, 4))
    supply = supply_of(periods=4, lead_time=1, service_target=0.92135)
    held = safety_stock(supply, paths)[0]
    np.testing.assert_allclose(held[:3], 1000, atol=30)
    assert held[3] == held[2]  # its interval leaves the horizon


def test_correlated_buckets_need_more_than_independent_ones() -> None:
    supply = supply_of(1, 8, lead_time=3, service_target=0.95)
    mean = np.full((1, 8), 100.0)
    loose, tied = (safety_stock(supply, paths_of(demand_of(mean, 0.2, rho)))[0, 0] for rho in (0.0, 0.5))
    assert loose == pytest.approx(1.645 * 20 * 2, rel=0.15)
    assert tied == pytest.approx(1.645 * 20 * np.sqrt(4 + 12 * 0.5), rel=0.15)


def test_levels_of_a_deterministic_forecast_are_sums_of_it() -> None:
    supply = supply_of(1, 6, lead_time=1, review=2)
    demand = demand_of(np.array([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]]))
    found = levels(supply, demand.mean, paths_of(demand, 3), np.full((1, 6), 2))
    assert not found.safety_stock.any()
    np.testing.assert_allclose(found.reorder_point[0], [6, 9, 12, 15, 16, 16])  # beyond the horizon: 5 a bucket
    np.testing.assert_allclose(found.order_up_to[0], [15, 20, 23, 25, 26, 26])


def test_the_first_order_is_the_one_decided_and_later_ones_fill_up_in_lots() -> None:
    supply = supply_of(1, 6, lead_time=1, multiple=4.0, on_hand=11.0)
    demand = demand_of(np.full((1, 6), 5.0))
    paths = paths_of(demand, 2)
    base = levels(supply, demand.mean, paths, np.ones((1, 6), dtype=np.int64))
    released = [bucket.released[0, 0] for bucket in roll(supply, paths, planned(supply, np.array([8.0]), base))]
    assert released == [8.0, 0.0, 4.0, 4.0, 4.0, 4.0]


def test_tuning_takes_the_cheapest_factor_and_leaves_service_targets_alone() -> None:
    """A lost sale that costs next to nothing is not worth a safety stock that the textbook fractile would hold."""
    supply = supply_of(2, 12, lead_time=4, shortage_cost=[1.0, np.nan], service_target=[np.nan, 0.9], on_hand=40.0)
    demand = demand_of(np.full((2, 12), 10.0), spread=0.4)
    paths = paths_of(demand)
    base = levels(supply, demand.mean, paths, np.ones((2, 12), dtype=np.int64))
    first = np.array([10.0, 10.0])
    chosen = tuned(supply, paths, first, base).levels.safety_stock / base.safety_stock
    assert chosen[1, 0] == pytest.approx(1.0)

    def cost(factor: float) -> float:
        total = 0.0
        rule = planned(supply, first, with_safety(base, np.full(2, factor)))
        for bucket in roll(supply, paths[:, :40], rule):
            total += 0.2 * bucket.stock[0].mean() + 1.0 * bucket.short[0].mean()
        return total

    costs = [cost(factor) for factor in FACTORS]
    assert chosen[0, 0] == pytest.approx(FACTORS[int(np.argmin(costs))])
    assert min(costs) < costs[0]
