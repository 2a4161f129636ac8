from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.planner.engine.network.inputs import Mode, Network
from services.planner.engine.network.linear import Program
from services.planner.engine.network.model import Model
from services.planner.engine.network.plan import NetworkPlan, plan
from tests.unit.planner.network.networks import (
    loads_of,
    network_of,
    nodes_of,
    options_of,
    resources_of,
    uses_of,
    varied,
)

SEEDS = st.integers(0, 10_000)
FAST = settings(max_examples=12, deadline=None)
LOTS: list[dict[str, Any]] = [{}, {"order_cost": 10.0}, {"moq": 15.0}, {"moq": 6.0, "multiple": 4.0, "order_cost": 9.0}]


@FAST
@given(SEEDS, st.sampled_from(LOTS))
def test_a_plan_keeps_lots_and_capacity_and_costs_what_its_parts_do(seed: int, lots: dict[str, Any]) -> None:
    network = varied(seed, **lots)
    found = plan(network)
    release, options = found.quantities.release, network.options
    placed = release > 0
    assert np.all(release[placed] >= np.broadcast_to(options.smallest[:, None], release.shape)[placed] * (1 - 1e-6))
    if lots.get("multiple"):
        assert release / 4 == pytest.approx(np.round(release / 4), abs=1e-6)
    most = network.resources.capacity + network.resources.overtime
    assert np.all(found.quantities.load <= most * (1 + 1e-6))
    assert found.costs.total == pytest.approx(sum(part.result.costs.total for part in found.parts))
    assert found.bound <= found.costs.total * (1 + 1e-9)
    assert follows(network, found)
    assert follows(network, found)


def follows(network: Network, found: NetworkPlan) -> bool:
    """Whether the releases that stand lead to the very cost: the rest of the plan follows from them."""
    model = Model.of(network, setups=False)
    program = Program(model)
    release = found.quantities.release
    program.bound_columns(model.columns.release, release, release)
    ordering = float(np.sum(network.options.order_cost * (release > 0)))
    return program.solve() + ordering == pytest.approx(found.costs.total, rel=1e-6)


@FAST
@given(SEEDS)
def test_without_lots_the_parts_cost_what_one_programme_of_the_whole_does(seed: int) -> None:
    network = varied(seed)
    found = plan(network)
    assert found.costs.total == pytest.approx(Program(Model.of(network)).solve(), rel=1e-6)
    assert found.gap == pytest.approx(0, abs=1e-7)


def two_items(capacity: float) -> Network:
    return network_of(
        nodes_of([[0, 10.0], [0, 10.0]], holding_cost=[1.0, 3.0], shortage_cost=50.0),
        options_of([0, 1], 2, mode=Mode.MAKE),
        loads=loads_of((0, 0, 1.0, 0.0), (1, 0, 1.0, 0.0)),
        resources=resources_of([capacity], 2),
    )


def test_a_machine_couples_only_where_it_may_bind() -> None:
    """20 hours are asked for in bucket 1: of 30 they are no cause to plan together, of 14 six units come early."""
    apart, together = plan(two_items(30.0)), plan(two_items(14.0))
    assert [part.nodes.tolist() for part in apart.parts] == [[0], [1]]
    assert [part.nodes.tolist() for part in together.parts] == [[0, 1]]
    assert together.quantities.release.tolist() == [[6, 4], [0, 10]]
    assert together.costs.total == pytest.approx(6)
    prices = together.parts[0].prices
    assert (prices.resource.tolist(), prices.bucket.tolist()) == ([0], [1])
    assert prices.price == pytest.approx([1.0])


def test_a_load_that_is_given_says_what_binds() -> None:
    """Told that others leave the machine idle, it still finds out that its own plan does not fit."""
    found = plan(two_items(14.0), load=np.zeros((1, 2)))
    assert found.binding.tolist() == [True]
    assert found.costs.total == pytest.approx(6)


def test_lots_of_the_product_become_demand_of_the_component() -> None:
    """7 are asked for, 8 made (in fours); of the component 16 are needed and 20 bought (in tens), one order."""
    network = network_of(
        nodes_of([[0, 0, 7.0], [0, 0, 0]], holding_cost=[1.0, 0.5], shortage_cost=100.0),
        options_of([0, 1], 3, mode=[Mode.MAKE, Mode.BUY], lead_time=1, multiple=[4.0, 10.0], order_cost=[[3.0], [5.0]]),
        uses=uses_of((0, 1, 2.0)),
    )
    found = plan(network)
    assert found.quantities.release.tolist() == [[0, 8, 0], [20, 0, 0]]
    assert found.costs.total == pytest.approx(3 + 5 + 1 + 2 * 4 * 0.5)


@pytest.mark.parametrize("order_cost", [0.0, 2.0])
def test_of_equally_dear_sources_the_first_is_taken_and_a_cheaper_one_before_it(order_cost: float) -> None:
    nodes = nodes_of([[5.0, 4.0]], shortage_cost=90.0)

    def taken(priority: list[int], unit_cost: list[float]) -> tuple[list[float], float]:
        cost = np.array(unit_cost)[:, None]
        found = plan(network_of(nodes, options_of([0, 0], 2, priority=priority, unit_cost=cost, order_cost=order_cost)))
        return found.quantities.release.sum(axis=1).tolist(), found.costs.total

    ordering = 2 * order_cost
    assert taken([2, 1], [3.0, 3.0]) == ([0, 9], pytest.approx(27 + ordering, abs=1e-12))
    assert taken([1, 2], [3.0, 3.0]) == ([9, 0], pytest.approx(27 + ordering, abs=1e-12))
    assert taken([1, 2], [3.0, 2.99]) == ([0, 9], pytest.approx(9 * 2.99 + ordering, abs=1e-12))
