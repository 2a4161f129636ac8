"""Orders where ordering costs money, against the best (s, S) policy by trying all of them."""

import numpy as np
import pytest
from scipy.stats import poisson

from services.planner.engine.inputs import Demand
from services.planner.engine.plan import Plan, plan
from shared.paths import series_seeds
from tests.unit.planner.cases import supply_of

FINE = (np.arange(399) + 0.5) / 399  # levels that tell a discrete distribution as it is
PERIODS = 16
UNITS = np.arange(400)


def orders_at(stock: np.ndarray, rate: float, **terms: float) -> Plan:
    """Plans of item-locations that differ in stock alone, of Poisson demand with backlog."""
    n = len(stock)
    grid = np.tile(poisson.ppf(FINE, rate), (n, PERIODS, 1))
    mean = np.full((n, PERIODS), rate)
    seeds = series_seeds((f"item-{row}" for row in range(n)), 0)
    demand = Demand(levels=FINE, grid=grid, mean=mean, rho=np.zeros(n), seeds=seeds, recent=np.full((n, 13), rate))
    return plan(supply_of(n, PERIODS, on_hand=stock, backlog=True, **terms), demand, paths=400)


def long_run(s: int, top: int, rate: float, holding: float, shortage: float, order: float, lead_time: int) -> float:
    """Cost a bucket of ordering up to `top` at `s` or below, by renewal theory, of Poisson demand."""
    chance, ahead = poisson.pmf(UNITS, rate), poisson.pmf(UNITS, rate * (lead_time + 1))
    visits = [1 / (1 - chance[0])]
    for below in range(1, top - s):
        visits.append(sum(chance[j] * visits[below - j] for j in range(1, below + 1)) / (1 - chance[0]))
    each = [
        ahead @ (holding * np.maximum(top - j - UNITS, 0) + shortage * np.maximum(UNITS - top + j, 0))
        for j in range(top - s)
    ]
    return float((order + np.dot(visits, each)) / sum(visits))


def test_the_policy_of_the_book() -> None:
    """G15: h = 1, p = 4, K = 5, Poisson 6: at 4 or below up to 10. Snyder and Shen, example 4.7."""
    stock = np.arange(-3.0, 14.0)
    ordered = orders_at(stock, 6.0, holding_cost=1.0, shortage_cost=4.0, order_cost=5.0).orders.option.quantity
    assert long_run(4, 10, 6.0, 1.0, 4.0, 5.0, 0) == pytest.approx(8.034112, abs=1e-6)
    assert (stock + ordered).tolist() == [10.0 if each <= 4 else each for each in stock.tolist()]


@pytest.mark.parametrize(
    ("rate", "order", "shortage", "lead_time"),
    [(6.0, 20.0, 4.0, 0), (6.0, 60.0, 4.0, 0), (1.0, 5.0, 9.0, 0), (0.3, 5.0, 9.0, 0), (20.0, 64.0, 9.0, 2)],
)
def test_no_policy_costs_less(rate: float, order: float, shortage: float, lead_time: int) -> None:
    stock = np.arange(-3.0, rate * (lead_time + 4) + 6)
    terms = {"holding_cost": 1.0, "shortage_cost": shortage, "order_cost": order, "lead_time": lead_time}
    ordered = orders_at(stock, rate, **terms).orders.option.quantity
    s, top = int(stock[ordered > 0].max()), int(np.median((stock + ordered)[ordered > 0]))
    assert np.array_equal(ordered > 0, stock <= s)
    others = [
        long_run(low, high, rate, 1.0, shortage, order, lead_time)
        for low in range(s - 3, s + 4)
        for high in range(max(top - 12, low + 1), top + 13)
    ]
    assert long_run(s, top, rate, 1.0, shortage, order, lead_time) <= 1.005 * min(others)


def test_what_an_order_is_worth_is_against_ordering_a_review_later() -> None:
    """What is short in the first review, and one order is placed.

    The long-run cost less, as that review is over: 8.034.
    """
    found = orders_at(np.array([4.0, 0.0]), 6.0, holding_cost=1.0, shortage_cost=4.0, order_cost=5.0).orders
    assert found.option.net_benefit[0] == pytest.approx(1.13, abs=0.05)  # a first review at 4 costs 9.16
    assert found.option.net_benefit[1] == pytest.approx(4.0 * 6.0 - 8.034, abs=0.05)
    for alternative in found.alternatives:
        assert np.all(alternative.option.net_benefit <= found.option.net_benefit)
