"""How long one order lasts: the Wagner-Whitin recursion against textbooks and against every possible plan."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.planner.engine.cover import beyond, cover
from services.planner.engine.dynamic import wagner_whitin
from services.planner.engine.plan import plan
from tests.unit.planner.cases import demand_of, supply_of


def one(order_cost: float, holding_cost: float, demand: list[float], review: int = 1) -> tuple[list[int], list[float]]:
    known = np.array([demand], dtype=float)
    per_order = np.full_like(known, order_cost)
    covers, to_go = wagner_whitin(per_order, np.array([holding_cost]), known, np.zeros_like(known), np.array([review]))
    return covers[0].tolist(), to_go[0].tolist()


def test_nahmias_example_of_five_buckets() -> None:
    covers, to_go = one(80, 2, [18, 30, 42, 5, 20])
    assert to_go[0] == 310
    assert (covers[0], covers[2], covers[4]) == (2, 2, 1)


def test_a_plan_on_a_deterministic_forecast_follows_it() -> None:
    """The plan's own orders and cost are those of example 3.9 while the horizon goes on as it ended."""
    mean = np.array([[90.0, 120.0, 80.0, 70.0, 0.0, 0.0, 0.0, 0.0]])
    supply = supply_of(1, 8, order_cost=500.0, holding_cost=2.0, shortage_cost=100.0)
    found = plan(supply, demand_of(mean), paths=2)
    assert found.lines.planned_releases[0].tolist() == [210.0, 0.0, 150.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    assert found.kpis.plan.cost_relevant.mean == 1380.0


@settings(max_examples=60, deadline=None)
@given(
    demand=st.lists(st.integers(0, 9), min_size=1, max_size=7),
    order_cost=st.integers(0, 30),
    review=st.integers(1, 3),
)
def test_no_choice_of_delivery_buckets_is_cheaper(demand: list[int], order_cost: int, review: int) -> None:
    costs = []
    for ordered in product([True, False], repeat=-(-len(demand) // review)):
        starts = [review * index for index, chosen in enumerate(ordered) if chosen]
        total: float = order_cost * len(starts)
        for bucket, wanted in enumerate(demand):
            since = max((start for start in starts if start <= bucket), default=-np.inf)
            total += (bucket - since) * wanted if wanted else 0
        costs.append(total)
    assert one(order_cost, 1, [float(d) for d in demand], review)[1][0] == pytest.approx(min(costs))


def test_demand_goes_on_as_it_ended() -> None:
    assert beyond(np.array([[9.0, 2.0, 4.0]]), np.array([2])).tolist() == [[3.0, 3.0, 3.0]]


def test_cover_is_that_of_the_arrival_bucket_within_the_horizon() -> None:
    mean = np.full((3, 24), 10.0)
    supply = supply_of(3, 24, order_cost=[40.0, 40.0, 0.0], lead_time=[0, 20, 0], shortage_cost=1.0)
    assert cover(supply, mean)[:, 0].tolist() == [6, 4, 1]


def test_a_service_target_spreads_its_minimum_but_no_ordering_cost() -> None:
    mean = np.full((2, 24), 10.0)
    supply = supply_of(2, 24, order_cost=40.0, moq=[0.0, 55.0], service_target=0.9)
    assert cover(supply, mean)[:, 0].tolist() == [1, 5]


def test_no_demand_needs_no_cover() -> None:
    supply = supply_of(1, 8, order_cost=40.0, moq=12.0)
    assert np.all(cover(supply, np.zeros((1, 8))) == np.array([[1]]))
