import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.planner.engine.network.inputs import Mode, Network
from services.planner.engine.network.linear import Program
from services.planner.engine.network.model import Model
from services.planner.engine.network.solution import Quantities
from tests.unit.planner.network.networks import (
    loads_of,
    network_of,
    nodes_of,
    options_of,
    resources_of,
    scaled,
    uses_of,
    varied,
)

SEEDS = st.integers(0, 10_000)
FAST = settings(max_examples=25, deadline=None)


def solved(network: Network) -> tuple[Program, Quantities, float]:
    program = Program(Model.of(network))
    cost = program.solve()
    return program, Quantities.of(network, program.model.columns, program.values), cost


def test_g11_regular_time_overtime_and_stock() -> None:
    """Sailco: Winston, Operations Research, production planning with overtime."""
    network = network_of(
        nodes_of([[40, 60, 75, 25]], on_hand=10.0, holding_cost=20.0, shortage_cost=1e5, backlog=True),
        options_of([0], 4, unit_cost=400.0, mode=Mode.MAKE),
        loads=loads_of((0, 0, 1.0, 0.0)),
        resources=resources_of([40.0], 4, overtime=1e6, overtime_cost=50.0),
    )
    program, plan, cost = solved(network)
    assert cost == pytest.approx(78_450)
    assert plan.costs(network).total == pytest.approx(78_450)
    assert (plan.costs(network).production, plan.costs(network).overtime) == pytest.approx((76_000, 2_250))
    assert (plan.release - plan.overtime)[0] == pytest.approx([40, 40, 40, 25])
    assert plan.overtime[0] == pytest.approx([0, 10, 35, 0])
    assert plan.stock[0] == pytest.approx([10, 0, 0, 0])
    confirmed = program.confirm(np.zeros(4, dtype=np.int64), np.arange(4))
    assert confirmed.price == pytest.approx([30, 50, 50, 0])
    assert confirmed.agrees.all()


def test_g13_prices_of_three_plants() -> None:
    """Wyndor Glass: Hillier and Lieberman; profit as the cost of a sale lost, one bucket."""
    network = network_of(
        nodes_of([[100.0], [100.0]], shortage_cost=[3.0, 5.0]),
        options_of([0, 1], 1),
        loads=loads_of((0, 0, 1.0, 0.0), (1, 1, 2.0, 0.0), (0, 2, 3.0, 0.0), (1, 2, 2.0, 0.0)),
        resources=resources_of([4.0, 12.0, 18.0], 1),
    )
    program, plan, cost = solved(network)
    assert plan.release[:, 0] == pytest.approx([2, 6])
    assert 800 - cost == pytest.approx(36)
    confirmed = program.confirm(np.arange(3), np.zeros(3, dtype=np.int64))
    assert confirmed.price == pytest.approx([0, 1.5, 1])
    assert confirmed.agrees.all()


def test_a_price_that_one_more_hour_does_not_earn_is_not_confirmed() -> None:
    """Two plants that together make exactly what is asked for: less capacity would cost, more saves nothing."""
    network = network_of(
        nodes_of([[10.0]], shortage_cost=7.0),
        options_of([0], 1),
        loads=loads_of((0, 0, 1.0, 0.0)),
        resources=resources_of([10.0], 1),
    )
    confirmed = Program(Model.of(network)).confirm(np.array([0]), np.array([0]))
    assert confirmed.difference[0] == pytest.approx(0)
    assert confirmed.agrees[0] == (abs(confirmed.price[0]) < 1e-6)


def test_a_component_is_ordered_for_what_is_made_of_it() -> None:
    """2 of the component a unit, 1 bucket to make, 1 to buy: demand of bucket 2 is bought in bucket 0."""
    network = network_of(
        nodes_of([[0, 0, 5.0], [0, 0, 0]], on_hand=[0.0, 1.0], holding_cost=[1.0, 0.4]),
        options_of([0, 1], 3, lead_time=1, unit_cost=[[1.0], [3.0]], mode=[Mode.MAKE, Mode.BUY]),
        uses=uses_of((0, 1, 2.0)),
    )
    _, plan, cost = solved(network)
    assert plan.release.tolist() == [[0, 5, 0], [9, 0, 0]]
    assert plan.stock[1].tolist() == [1, 0, 0]
    assert cost == pytest.approx(5 + 27 + 0.4)


def test_backlog_of_the_past_is_not_borrowed_to_make_something_else() -> None:
    """The component had demand of its own, which was served: it cannot be owed again and used for the product."""
    network = network_of(
        nodes_of([[0, 9.0], [9.0, 0]], on_hand=[0.0, 9.0], backlog=[False, True], shortage_cost=[100.0, 1.0]),
        options_of([0], 2, mode=Mode.MAKE),
        uses=uses_of((0, 1, 1.0)),
    )
    _, plan, cost = solved(network)
    assert plan.release.sum() == pytest.approx(9)  # bucket 0's demand waits: at 1 a bucket that is cheaper
    assert plan.backlog[1] == pytest.approx([9, 9])
    assert cost == pytest.approx(9 + 18)
    late = network_of(
        nodes_of([[0, 0, 9.0], [9.0, 0, 0]], on_hand=[0.0, 9.0], backlog=[False, True], shortage_cost=[2.0, 1.0]),
        options_of([0], 3, mode=Mode.MAKE),
        uses=uses_of((0, 1, 1.0)),
    )
    _, plan, cost = solved(late)
    assert (plan.release.sum(), plan.backlog.sum(), cost) == pytest.approx((0, 0, 18))


def test_stock_that_perishes_is_thrown_away_and_not_sold_later() -> None:
    """10 on hand keep for 2 buckets; demand is 2, 3, 4: 5 are wasted, and 4 are bought for bucket 2."""
    network = network_of(
        nodes_of([[2.0, 3.0, 4.0]], on_hand=10.0, shelf_life=2, waste_cost=6.0, holding_cost=0.5),
        options_of([0], 3, unit_cost=6.0),
    )
    _, plan, _ = solved(network)
    costs = plan.costs(network)
    assert plan.waste.sum() == pytest.approx(5)
    assert plan.release[0] == pytest.approx([0, 0, 4])
    assert (costs.waste, costs.purchase, costs.shortage) == pytest.approx((30, 24, 0))


def test_sources_keep_their_shares_and_storage_its_limit() -> None:
    network = network_of(
        nodes_of([[0.0, 0.0, 12.0]], max_stock=4.0, on_hand=7.0),
        options_of([0, 0], 3, unit_cost=[[1.0], [2.0]], split=[3.0 / 4, 1.0 / 4], allowed=[[True, True, False]]),
    )
    _, plan, _ = solved(network)
    assert plan.stock[0, 0] == pytest.approx(7)  # was there before: no order brought it
    assert plan.release.sum() == pytest.approx(0)
    assert plan.lost.sum() == pytest.approx(5)
    wider = network_of(
        nodes_of([[0.0, 0.0, 12.0]], on_hand=0.0, max_stock=8.0),
        options_of([0, 0], 3, unit_cost=[[1.0], [2.0]], split=[3.0 / 4, 1.0 / 4], allowed=[[True, True, False]]),
    )
    _, plan, _ = solved(wider)
    assert plan.release.sum(axis=1) == pytest.approx([6, 2])
    assert plan.lost.sum() == pytest.approx(4)


def test_a_demand_class_is_a_node_of_its_own_and_the_dearer_goes_first() -> None:
    network = network_of(
        nodes_of([[0.0], [6.0], [6.0]], on_hand=[8.0, 0, 0], shortage_cost=[0.0, 1.0, 5.0], max_stock=[np.inf, 0, 0]),
        options_of([1, 2], 1, mode=Mode.TRANSFER),
        uses=uses_of((0, 0, 1.0), (1, 0, 1.0)),
    )
    _, plan, cost = solved(network)
    assert plan.release[:, 0] == pytest.approx([2, 6])
    assert cost == pytest.approx(4)


@FAST
@given(SEEDS)
def test_balance_holds_and_the_objective_is_the_sum_of_the_lines(seed: int) -> None:
    network = varied(seed)
    _, plan, cost = solved(network)
    nodes, options, uses = network.nodes, network.options, network.uses
    periods = nodes.periods
    arrived, used = np.zeros_like(nodes.demand), np.zeros_like(nodes.demand)
    for option in range(len(options)):
        for t in range(periods - int(options.lead_time[option])):
            arrived[options.node[option], t + options.lead_time[option]] += plan.release[option, t]
    for use in range(len(uses)):
        for t in range(periods - int(uses.offset[use])):
            used[uses.node[use], t + uses.offset[use]] += uses.quantity[use] * plan.release[uses.option[use], t]
    before = np.concatenate([np.maximum(nodes.on_hand, 0)[:, None], plan.stock[:, :-1]], axis=1)
    owed = np.concatenate([np.maximum(-nodes.on_hand, 0)[:, None], plan.backlog[:, :-1]], axis=1)
    served = nodes.demand + owed - plan.backlog - plan.lost
    assert np.all(served >= -1e-6)
    assert plan.stock == pytest.approx(before + nodes.receipts + arrived - used - served - plan.waste, abs=1e-5)
    assert plan.costs(network).total == pytest.approx(cost, rel=1e-6, abs=1e-6)


@FAST
@given(SEEDS)
def test_units_do_not_matter(seed: int) -> None:
    network = varied(seed)
    _, _, cost = solved(network)
    _, _, same = solved(scaled(network, 12.0))
    assert same == pytest.approx(cost, rel=1e-6)


@FAST
@given(SEEDS, st.floats(1.0, 1.5))
def test_more_capacity_and_quicker_suppliers_never_cost_more(seed: int, factor: float) -> None:
    network = varied(seed, unit_cost=2.0)
    options = network.options
    _, _, cost = solved(network)
    _, _, roomier = solved(varied(seed, unit_cost=2.0, capacity=network.resources.capacity * factor))
    lead_time = np.maximum(options.lead_time - (options.mode == Mode.BUY), 0)
    _, _, quicker = solved(varied(seed, unit_cost=2.0, lead_time=lead_time))
    assert roomier <= cost * (1 + 1e-7)
    assert quicker <= cost * (1 + 1e-7)


@FAST
@given(SEEDS)
def test_a_what_if_from_the_last_basis_is_the_answer_from_scratch(seed: int) -> None:
    network = varied(seed)
    program, _, _ = solved(network)
    rows = program.model.rows.capacity
    program.bound_rows(rows, -np.inf, network.resources.capacity * 1.1)
    warm = program.solve()
    _, _, cold = solved(varied(seed, capacity=network.resources.capacity * 1.1))
    assert warm == pytest.approx(cold, rel=1e-7)


@FAST
@given(SEEDS)
def test_a_confirmed_price_is_what_an_hour_saves(seed: int) -> None:
    network = varied(seed)
    program, _, _ = solved(network)
    cells = np.argwhere(program.prices.capacity > 1e-6)[:3]
    confirmed = program.confirm(cells[:, 0], cells[:, 1])
    capacity = network.resources.capacity.copy()
    for (resource, bucket), price, step in zip(
        cells[confirmed.agrees], confirmed.price[confirmed.agrees], confirmed.step[confirmed.agrees], strict=True
    ):
        more = capacity.copy()
        more[resource, bucket] += step
        saved = solved(network)[2] - solved(varied(seed, capacity=more))[2]
        assert saved == pytest.approx(price * step, rel=1e-3, abs=1e-6)
