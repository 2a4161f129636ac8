import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.planner.engine.network.exact import assignment
from services.planner.engine.network.inputs import Network
from services.planner.engine.network.linear import Program
from services.planner.engine.network.mixed import MixedProgram
from services.planner.engine.network.model import Model
from services.planner.engine.network.prices import Relaxation, priced_steps
from services.planner.engine.network.settled import Settled, polished
from services.planner.engine.network.setups import Effort, ordered
from services.planner.engine.network.units import Choice, Units
from tests.unit.planner.network.networks import loads_of, network_of, nodes_of, options_of, resources_of

SEEDS = st.integers(0, 10_000)


def chosen(network: Network, order_cost: object = None) -> Choice:
    options = network.options
    fixed = options.order_cost if order_cost is None else np.asarray(order_cost)
    return Units.of(network).choose(options.unit_cost, np.broadcast_to(fixed, options.unit_cost.shape))


def one_item(demand: list[float], **given_options: object) -> Network:
    holding = given_options.pop("holding_cost")
    return network_of(nodes_of([demand], holding_cost=holding), options_of([0], len(demand), **given_options))


def test_g8_wagner_whitin_small() -> None:
    found = chosen(one_item([90, 120, 80, 70], holding_cost=2.0, order_cost=500.0))
    assert found.value[0] == pytest.approx(1380)
    assert found.release.tolist() == [[210, 0, 150, 0]]


def test_g8d_price_by_bucket() -> None:
    network = one_item(
        [400, 500, 500, 1100, 900], holding_cost=0.1, order_cost=100.0, unit_cost=[[3.0, 1.0, 4.0, 6.0, 6.0]]
    )
    found = chosen(network)
    assert found.value[0] == pytest.approx(4940)
    assert found.release[0] == pytest.approx([400, 3000, 0, 0, 0])


def test_g9_wagner_whitin_1958() -> None:
    network = one_item([69, 29, 36, 61, 61, 26, 34, 67, 45, 67, 79, 56], holding_cost=1.0)
    fixed = [[85, 102, 102, 101, 98, 114, 105, 86, 119, 110, 98, 114]]
    found = chosen(network, fixed)
    assert found.value[0] == pytest.approx(864)
    assert found.release[0].tolist() == [98, 0, 97, 0, 121, 0, 0, 112, 0, 67, 135, 0]


def test_g10_silver_meal() -> None:
    found = chosen(one_item([18, 30, 42, 5, 20], holding_cost=2.0, order_cost=80.0))
    assert found.value[0] == pytest.approx(310)
    assert found.release[0].tolist() == [48, 0, 47, 0, 20]


def shared(seed: int, *, items: int = 2, periods: int = 4, **given_nodes: object) -> Network:
    """A few items with set-ups on one machine, by the seed: stock, receipts, safety stock, backlog or lost sales."""
    random = np.random.default_rng(seed)
    nodes: dict[str, object] = {
        "on_hand": random.uniform(0, 20, items).round(),
        "receipts": random.uniform(0, 9, (items, periods)).round() * (random.random((items, periods)) < 0.2),
        "holding_cost": random.uniform(0.5, 2, items),
        "shortage_cost": random.uniform(5, 30, items),
        "backlog": random.random(items) < 0.5,
        "safety_stock": random.uniform(0, 6, (items, 1)).round(),
        "safety_cost": random.uniform(0, 2, items),
    }
    return network_of(
        nodes_of(random.uniform(0, 20, (items, periods)).round(), **nodes | given_nodes),
        options_of(
            range(items),
            periods,
            lead_time=random.integers(0, 2, items),
            unit_cost=random.uniform(0, 3, (items, periods)),
            order_cost=random.uniform(5, 40, (items, 1)),
        ),
        loads=loads_of(*[(item, 0, random.uniform(0.5, 1.5), random.uniform(0, 5)) for item in range(items)]),
        resources=resources_of([random.uniform(20, 40)], periods, overtime=5.0, overtime_cost=2.0),
    )


def brute_force(network: Network) -> float:
    """The least cost over every set of orders."""
    settled = Settled(network)
    cells = np.argwhere(settled.can)
    least = np.inf
    for taken in itertools.product((False, True), repeat=len(cells)):
        ordered = np.zeros_like(settled.can)
        ordered[tuple(cells.T)] = taken
        least = min(least, settled.cost(ordered))
    return least


@settings(max_examples=4, deadline=None)
@given(SEEDS)
def test_a_small_component_is_solved_to_its_optimum(seed: int) -> None:
    network = shared(seed, periods=3)
    least = brute_force(network)
    result = ordered(network, Effort(nodes=50))
    assert result.costs.total == pytest.approx(least, rel=1e-5)
    assert result.bound <= least * (1 + 1e-6)
    assert result.gap < 1e-3


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_bounds_are_below_what_any_plan_costs(seed: int) -> None:
    network = shared(seed, items=3, periods=5)
    settled = Settled(network)
    start = np.random.default_rng(seed).random(settled.can.shape) < 0.5
    _, cost = polished(settled, start, 100)
    for step in priced_steps(Relaxation(network), np.zeros_like(network.resources.capacity), 20):
        assert step.bound <= cost * (1 + 1e-9)
    assert Program(Model.of(network)).solve() <= cost * (1 + 1e-9)


@settings(max_examples=25, deadline=None)
@example(2012)  # receipts
@given(SEEDS)
def test_without_capacity_the_units_give_the_cost_of_their_plan(seed: int) -> None:
    """One price for all buckets and nothing under way: no order is ever sold back, so the value is that of the plan.

    A receipt that comes later can make a part of an order be sold back: then it is a bound.
    """
    network = shared(seed, periods=6)
    free = network_of(network.nodes, options_of([0, 1], 6, unit_cost=1.0, order_cost=network.options.order_cost))
    found = chosen(free)
    assert Settled(free).around(found.release).costs(free).total >= found.value.sum() * (1 - 1e-7)
    empty = replace(free, nodes=replace(free.nodes, receipts=np.zeros_like(free.nodes.receipts)))
    exact = chosen(empty)
    cost = Settled(empty).around(exact.release).costs(empty).total
    assert cost == pytest.approx(exact.value.sum(), rel=1e-7)
    assert found.value.sum() <= brute_force_alone(free) * (1 + 1e-9)


def brute_force_alone(network: Network) -> float:
    """The cost after a search from a few starts: nothing below the optimum."""
    settled = Settled(network)
    return min(polished(settled, np.full(settled.can.shape, full), 0)[1] for full in (False, True))


def test_the_mixed_integer_form_keeps_lots() -> None:
    """MOQ 12 in sixes: 7 are asked for, and 12 at 1 a unit are cheaper than 7 lost at 9; 18 would be more."""
    network = network_of(
        nodes_of([[0.0, 7.0]], holding_cost=0.5, shortage_cost=9.0),
        options_of([0], 2, unit_cost=1.0, moq=8.0, multiple=6.0),
    )
    found = MixedProgram(assignment(network), 60.0).solve(10)
    assert found is not None
    assert found.release.tolist() == [[0.0, 12.0]]
    assert found.cost == pytest.approx(12 + 2.5)


def test_equal_limits_give_the_same_plan_again() -> None:
    network = shared(3, items=4, periods=6)
    one, other = (ordered(network, Effort(trials=50, windows=2)) for _ in range(2))
    assert one.status == "complete"
    assert np.array_equal(one.quantities.release, other.quantities.release)
    assert one.bound == other.bound


def test_a_search_that_the_clock_ends_says_so() -> None:
    """What was found before is kept."""
    result = ordered(shared(3, items=4, periods=6), Effort(seconds=0.0))
    assert result.status == "time_limit"
    assert result.bound <= result.costs.total


@settings(max_examples=3, deadline=None)
@given(SEEDS)
def test_of_many_items_the_plan_is_near_the_bound_of_the_prices(seed: int) -> None:
    """120 items on one machine that is full, and no item-location is looked at by itself."""
    network = shared(seed, items=120, periods=8, backlog=True, safety_stock=0.0)
    hours = np.sum(network.nodes.demand[network.loads.option] * network.loads.hours[:, None], axis=0).mean()
    resources = replace(network.resources, capacity=np.full((1, 8), hours), overtime=np.full((1, 8), 0.2 * hours))
    result = ordered(replace(network, resources=resources), Effort(cells=0))
    assert result.method == "capacity_prices"
    assert np.all(result.quantities.load <= 1.2 * hours * (1 + 1e-9))
    assert 0 <= result.gap < 0.05
