"""Exact plans against textbooks, against every possible plan and against what a better supplier would allow."""

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.planner.engine.dynamic import MOST_CELLS, schedule, solvable, wagner_whitin
from services.planner.engine.inputs import Floats, Supply
from tests.unit.planner.cases import supply_of

seeds = st.integers(0, 2**32 - 1)
some = settings(max_examples=60, deadline=None)
few = settings(max_examples=30, deadline=None)


def cost_of(supply: Supply, demand: Floats, releases: Floats) -> float:
    """What one row's releases [T] cost, written out bucket by bucket."""
    stock, backlog, total = max(supply.on_hand[0], 0.0), max(-supply.on_hand[0], 0.0), 0.0
    for t, wanted in enumerate(demand):
        release = t - int(supply.lead_time[0])
        stock += supply.receipts[0, t] + (releases[release] if release >= 0 else 0.0)
        served = min(stock, wanted + backlog)
        stock, missing = stock - served, wanted + backlog - served
        backlog = missing if supply.backlog[0] else 0.0
        total += supply.holding_cost[0] * stock + supply.penalty[0] * missing
    return total + float(np.sum(supply.surcharge[0] * releases + supply.order_cost[0] * (releases > 0)))


def feasible_plans(supply: Supply, periods: int, most: int) -> list[Floats]:
    """Every plan of one row with at most `most` lots an order."""
    first, last = int(supply.first_lot[0]), int(min(supply.last_lot[0], most))
    choices = []
    for t in range(periods):
        since = t - int(supply.fence[0])
        ordered = since >= 0 and since % int(supply.review[0]) == 0 and t + int(supply.lead_time[0]) < periods
        choices.append([0, *range(first, max(last, first) + 1)] if ordered else [0])
    return [np.array(lots) * float(supply.multiple[0]) for lots in product(*choices)]


def small_case(seed: int, periods: int = 5, **given: Any) -> tuple[Supply, Floats]:
    """One row with anything in it and demand [1, T]; few enough plans to try all."""
    random = np.random.default_rng(seed)
    multiple = random.choice([1.0, 2.5, 4.0])
    first = int(random.integers(1, 4))
    drawn = {
        "on_hand": random.choice([0.0, 3.0, 7.5]) * (1 if random.random() < 0.7 else 0),
        "receipts": random.integers(1, 9, (1, periods)) * (random.random((1, periods)) < 0.2),
        "lead_time": random.integers(0, 3),
        "review": random.integers(1, 3),
        "fence": random.integers(0, 2),
        "moq": multiple * first,
        "multiple": multiple,
        "max_qty": multiple * random.choice([first, first + 1, np.inf]),
        "holding_cost": random.choice([0.1, 0.5, 1.0]),
        "shortage_cost": random.choice([0.4, 2.0, 9.0]),
        "backlog": random.random() < 0.5,
    }
    demand = np.round(random.integers(0, 9, (1, periods)) * random.choice([1.0, 0.37]), 2)
    costs = {"unit_cost": random.integers(0, 3, (1, periods)) / 2, "order_cost": random.integers(0, 9, (1, periods))}
    return supply_of(1, periods, **{**drawn, **costs, **given}), demand


@few
@given(seed=seeds)
def test_no_feasible_plan_is_cheaper(seed: int) -> None:
    supply, demand = small_case(seed)
    most = int(np.ceil(demand.sum() / supply.multiple[0])) + int(supply.first_lot[0])
    plans = feasible_plans(supply, 5, min(most, 7))
    least = min(cost_of(supply, demand[0], releases) for releases in plans)
    found = schedule(supply, demand)
    assert found.cost[0] == pytest.approx(cost_of(supply, demand[0], found.releases[0]))
    assert found.cost[0] <= least + 1e-9
    if most <= 7:
        assert found.cost[0] == pytest.approx(least)


@some
@given(seed=seeds)
def test_plans_that_stop_at_net_requirements_are_as_good_as_any(seed: int) -> None:
    """Fine lots are solved by stops, coarse ones by every sum; every coarse plan is one in fine lots too."""
    supply, demand = small_case(seed)
    fine = small_case(seed, multiple=supply.multiple / 64)[0]
    found, coarse = schedule(fine, demand), schedule(supply, demand)
    assert found.cost[0] == pytest.approx(cost_of(fine, demand[0], found.releases[0]))
    assert found.cost[0] <= coarse.cost[0] + 1e-9


def test_wagner_whitin_of_four_buckets() -> None:
    """G8, Snyder and Shen, example 3.9: orders 210, 0, 150, 0; lost sales, backlog and the recursion agree."""
    supply = supply_of(2, 4, order_cost=500.0, holding_cost=2.0, shortage_cost=100.0, backlog=[True, False])
    demand = np.tile([90.0, 120.0, 80.0, 70.0], (2, 1))
    found = schedule(supply, demand)
    assert found.releases.tolist() == [[210.0, 0.0, 150.0, 0.0]] * 2
    assert found.cost.tolist() == [1380.0, 1380.0]
    covers, to_go = wagner_whitin(np.full((1, 4), 500.0), np.array([2.0]), demand[:1], np.zeros((1, 4)), np.array([1]))
    assert to_go[0].tolist() == [1380, 940, 640, 500, 0]
    assert (covers[0, 0], covers[0, 2]) == (2, 2)


def test_wagner_whitin_with_a_price_that_varies() -> None:
    """G8d, stockpyl's instance."""
    supply = supply_of(1, 5, order_cost=100.0, holding_cost=0.1, shortage_cost=1000.0)
    demand, price = np.array([[400.0, 500, 500, 1100, 900]]), np.array([[3.0, 1, 4, 6, 6]])
    found = schedule(replace(supply, unit_cost=price), demand)
    assert found.releases.tolist() == [[400.0, 3000.0, 0.0, 0.0, 0.0]]
    assert found.cost[0] + 1 * demand.sum() == pytest.approx(4940)
    to_go = wagner_whitin(np.full((1, 5), 100.0), np.array([0.1]), demand, price, np.array([1]))[1]
    assert to_go[0, 0] == pytest.approx(4940)


def test_wagner_and_whitin_1958() -> None:
    """G9: ordering costs differ by bucket; several plans cost 864."""
    order_cost = np.array([[85.0, 102, 102, 101, 98, 114, 105, 86, 119, 110, 98, 114]])
    demand = np.array([[69.0, 29, 36, 61, 61, 26, 34, 67, 45, 67, 79, 56]])
    supply = supply_of(1, 12, order_cost=order_cost, holding_cost=1.0, shortage_cost=1000.0)
    found = schedule(supply, demand)
    assert found.cost[0] == pytest.approx(864)
    assert cost_of(supply, demand[0], found.releases[0]) == pytest.approx(864)
    to_go = wagner_whitin(order_cost, np.ones(1), demand, np.zeros((1, 12)), np.array([1]))[1]
    assert to_go[0, 0] == pytest.approx(864)


def test_silver_meal_example_of_five_buckets() -> None:
    """G10, Nahmias."""
    supply = supply_of(1, 5, order_cost=80.0, holding_cost=2.0, shortage_cost=100.0, backlog=True)
    found = schedule(supply, np.array([[18.0, 30, 42, 5, 20]]))
    assert found.releases.tolist() == [[48.0, 0.0, 47.0, 0.0, 20.0]]
    assert found.cost.tolist() == [310.0]


@pytest.mark.parametrize(("on_hand", "quantity"), [(10.0, 30.0), (8.0, 36.0)])
def test_an_order_is_the_smallest_multiple_that_meets_the_need(on_hand: float, quantity: float) -> None:
    """G24, Odoo: up to 40 in sixes."""
    supply = supply_of(1, 1, on_hand=on_hand, multiple=6.0, shortage_cost=50.0)
    assert schedule(supply, np.array([[40.0]])).releases.tolist() == [[quantity]]


@pytest.mark.parametrize(("extra", "quantity"), [(0.0, 60.0), (30.0, 100.0)])
def test_more_demand_takes_more_whole_lots(extra: float, quantity: float) -> None:
    """G25, Dynamics 365: 60 in twenties; 30 more raise the order by 40."""
    supply = supply_of(1, 1, multiple=20.0, shortage_cost=50.0)
    assert schedule(supply, np.array([[60.0 + extra]])).releases.tolist() == [[quantity]]


@some
@given(
    demand=st.lists(st.integers(0, 40), min_size=1, max_size=9),
    order_cost=st.integers(0, 60),
    review=st.integers(1, 2),
    backlog=st.booleans(),
)
def test_without_lots_it_is_wagner_whitin(demand: list[int], order_cost: int, review: int, backlog: bool) -> None:
    """Where shortage is dearer than anything else and every delivery is at a review."""
    periods = len(demand) + len(demand) % review
    known = np.array([[*map(float, demand), *[0.0] * (periods - len(demand))]])
    supply = supply_of(1, periods, order_cost=float(order_cost), shortage_cost=1e4, backlog=backlog, review=review)
    per_order = np.full((1, periods), float(order_cost))
    to_go = wagner_whitin(per_order, supply.holding_cost, known, np.zeros((1, periods)), np.array([review]))[1]
    assert schedule(supply, known).cost[0] == pytest.approx(to_go[0, 0])


@some
@given(seed=seeds)
def test_a_lower_minimum_or_a_shorter_lead_time_never_costs_more(seed: int) -> None:
    plain: dict[str, Any] = {"periods": 8, "order_cost": 4.0, "unit_cost": 1.0}
    supply, demand = small_case(seed, **plain)
    cost = schedule(supply, demand).cost[0]
    looser = small_case(seed, **plain, moq=0.0)[0]
    assert schedule(looser, demand).cost[0] <= cost + 1e-9
    wider = small_case(seed, **plain, max_qty=np.inf)[0]
    assert schedule(wider, demand).cost[0] <= cost + 1e-9
    faster = small_case(seed, **plain, lead_time=0, review=1, fence=0)[0]
    assert schedule(faster, demand).cost[0] <= cost + 1e-9


@some
@given(seed=seeds, power=st.integers(-4, 6))
def test_units_of_another_size_scale_the_releases(seed: int, power: int) -> None:
    supply, demand = small_case(seed, periods=7)
    size = 2.0**power
    units = {name: getattr(supply, name) * size for name in ("on_hand", "receipts", "moq", "multiple", "max_qty")}
    money = {name: getattr(supply, name) / size for name in ("holding_cost", "shortage_cost", "unit_cost")}
    scaled = small_case(seed, periods=7, **units, **money)[0]
    one, other = schedule(supply, demand), schedule(scaled, demand * size)
    np.testing.assert_allclose(other.releases, one.releases * size)
    np.testing.assert_allclose(other.cost, one.cost)


@some
@given(seed=seeds)
def test_a_row_does_not_depend_on_its_neighbours(seed: int) -> None:
    cases = [small_case(seed + number, periods=6) for number in range(4)]
    fields = Supply.__dataclass_fields__
    together = Supply(**{name: np.concatenate([getattr(case[0], name) for case in cases]) for name in fields})
    found = schedule(together, np.concatenate([demand for _, demand in cases]))
    for row, case in enumerate(cases):
        alone = schedule(*case)
        assert np.array_equal(found.releases[row], alone.releases[0])
        assert found.cost[row] == alone.cost[0]


def test_a_minimum_of_more_than_all_demand_is_ordered_once_or_never() -> None:
    """A billion lots at least: the states are stops, not sums; holding them costs more than a lost sale or less."""
    supply = supply_of(2, 6, moq=1e9, holding_cost=1e-9, shortage_cost=[10.0, 0.01])
    demand = np.full((2, 6), 5.0)
    assert np.all(solvable(supply, demand))
    assert schedule(supply, demand).releases.tolist() == [[1e9, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]]


def test_too_many_states_are_refused_by_row() -> None:
    supply = supply_of(2, 60, moq=[0.0, 1e4], max_qty=2.5e4, multiple=[1.0, 1e-3], shortage_cost=50.0, backlog=True)
    demand = np.full((2, 60), 9e4)
    assert solvable(supply, demand).tolist() == [True, False]
    assert MOST_CELLS > 0
    with pytest.raises(ValueError, match="row 1 has too many lots"):
        schedule(supply, demand)
