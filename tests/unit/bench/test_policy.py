"""The replay of bench.policy, by hand: stock, lost sales, orders under way, and that nothing beats foresight."""

import numpy as np
import pytest

from bench.policy import Rules, _foreseen, _recent, _replayed
from tests.unit.planner.cases import supply_of


def test_what_is_ordered_arrives_after_the_lead_time_and_every_bucket_is_paid() -> None:
    """15 on hand, 10 wanted each week and 8 ordered at once for the next: 5 left, then 3, 1, and 1 is lost."""
    supply = supply_of(1, 6, on_hand=15.0, lead_time=1, order_cost=2.0, holding_cost=0.5, shortage_cost=4.0)
    found = _replayed(supply, np.full((1, 4), 10.0), 7, lambda _known, _now: np.array([8.0]))
    assert found["cost"] == pytest.approx(0.5 * (5 + 3 + 1) + 4 * 1 + 2 * 4)
    assert found["fill_rate"] == pytest.approx(39 / 40)
    assert found["mean_stock"] == pytest.approx(9 / 4, abs=0.05)


def test_backlog_waits_and_is_paid_for_again() -> None:
    supply = supply_of(1, 6, lead_time=1, backlog=True, holding_cost=0.5, shortage_cost=4.0)
    found = _replayed(supply, np.full((1, 3), 10.0), 0, lambda known, _now: np.array([20.0 if known == 0 else 0.0]))
    assert found["cost"] == pytest.approx(4 * (10 + 0 + 10))


def test_the_rules_order_up_to_their_levels() -> None:
    demand = np.tile([8.0, 12.0], (1, 20))
    supply = supply_of(1, 6, on_hand=10.0, lead_time=1, holding_cost=0.2, shortage_cost=1.8)
    rules = Rules(demand)
    average = _recent(demand).mean()
    assert rules.moving_average(40, supply)[0] == np.ceil(4 * average - 10)
    assert rules.normal(40, supply)[0] == np.ceil(2 * average + 1.2815515655 * 2 * np.sqrt(2) - 10)
    assert rules.stocked(40, supply)[0] == np.ceil(4 * average)


def test_nothing_costs_less_than_foresight() -> None:
    random = np.random.default_rng(3)
    demand = random.poisson(6, (4, 12)).astype(float)
    supply = supply_of(4, 12, on_hand=12.0, lead_time=[0, 1, 2, 3], order_cost=5.0, multiple=3.0, shortage_cost=3.0)
    history = np.full((4, 20), 6.0)
    rules = Rules(np.concatenate([history, demand], axis=1))
    best = _foreseen(supply, demand)["cost"]
    assert best < _replayed(supply, demand, 20, rules.moving_average)["cost"]
    assert best < _replayed(supply, demand, 20, rules.normal)["cost"]
