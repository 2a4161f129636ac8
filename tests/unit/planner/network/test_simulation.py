"""A network's releases on paths: by hand where it is small, and by the programme's own figures on the mean."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.planner.engine.network.explosion import exploded
from services.planner.engine.network.inputs import Mode
from services.planner.engine.network.linear import Program
from services.planner.engine.network.model import Model
from services.planner.engine.network.relaxed import Relaxed
from services.planner.engine.network.simulation import simulate
from services.planner.engine.network.solution import Quantities
from services.planner.engine.network.waiting import Scene
from tests.unit.planner.cases import supply_of
from tests.unit.planner.network.networks import (
    loads_of,
    network_of,
    nodes_of,
    options_of,
    resources_of,
    uses_of,
    varied,
)


def run(network, release, paths):
    return list(simulate(network, np.array(release, dtype=np.float64), np.array(paths, dtype=np.float64)))


def of(moments, name, row, path=0):
    return [float(getattr(moment, name)[row, path]) for moment in moments]


def table_and_leg(*, offset=0, lead_time=1, **nodes):
    """Node 0 is made of two of node 1, which is bought at once."""
    usual = {"on_hand": [0.0, 10.0]}
    network = network_of(
        nodes_of(np.zeros((2, 4)), **{**usual, **nodes}),
        options_of([0, 1], 4, mode=[Mode.MAKE, Mode.BUY], lead_time=[lead_time, 0]),
        uses=uses_of((0, 1, 2.0)),
    )
    return replace(network, uses=replace(network.uses, offset=np.array([offset])))


def test_an_order_takes_its_components_and_arrives():
    network = table_and_leg()
    moments = run(network, [[3, 4, 0, 0], [0, 6, 0, 0]], [[[0, 1, 9, 0]], [[1, 0, 0, 0]]])
    assert of(moments, "used", 1) == [6, 8, 0, 0]
    assert of(moments, "released", 0) == [3, 4, 0, 0]
    assert of(moments, "received", 0) == [0, 3, 4, 0]
    assert of(moments, "stock", 0) == [0, 2, 0, 0]
    assert of(moments, "short", 0) == [0, 0, 3, 0]
    assert of(moments, "stock", 1) == [3, 1, 1, 1]


def test_what_is_not_there_is_not_made():
    network = table_and_leg()
    moments = run(network, [[3, 4, 0, 0], [0, 0, 0, 0]], [[[0, 0, 0, 0], [0, 0, 0, 0]], [[0, 0, 0, 0], [2, 0, 0, 0]]])
    assert of(moments, "released", 0, path=0) == [3, 2, 0, 0]
    assert of(moments, "released", 0, path=1) == [3, 1, 0, 0]
    assert of(moments, "received", 0, path=1) == [0, 3, 1, 0]
    assert of(moments, "stock", 1, path=1) == [2, 0, 0, 0]


def test_components_that_are_taken_later_stop_what_has_begun():
    network = table_and_leg(offset=1, lead_time=2)
    moments = run(network, [[3, 4, 0, 0], [0, 0, 0, 0]], np.zeros((2, 1, 4)))
    assert of(moments, "released", 0) == [3, 4, 0, 0]
    assert of(moments, "used", 1) == [0, 6, 4, 0]
    assert of(moments, "received", 0) == [0, 0, 3, 2]


def test_orders_for_the_same_share_what_there_is():
    network = network_of(
        nodes_of(np.zeros((3, 1)), on_hand=[0.0, 0.0, 6.0]),
        options_of([0, 1], 1, mode=Mode.TRANSFER),
        uses=uses_of((0, 2, 1.0), (1, 2, 1.0)),
    )
    moments = run(network, [[3], [9]], np.zeros((3, 1, 1)))
    assert moments[0].released[:, 0] == pytest.approx([1.5, 4.5])
    assert moments[0].stock[:, 0] == pytest.approx([1.5, 4.5, 0])


def test_a_component_of_no_lead_time_is_there_for_what_is_made_of_it():
    network = table_and_leg(lead_time=0, on_hand=[0.0, 0.0])
    moments = run(network, [[5, 0, 0, 0], [10, 0, 0, 0]], np.zeros((2, 1, 4)))
    assert of(moments, "stock", 0) == [5, 5, 5, 5]
    assert of(moments, "stock", 1) == [0, 0, 0, 0]


@given(st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_on_the_mean_it_is_what_the_programme_says(seed):
    network = varied(seed, max_stock=np.inf, shelf_life=1000)
    model = Model.of(network)
    program = Program(model)
    program.solve()
    planned = Quantities.of(network, model.columns, program.values)
    kept_back = (planned.backlog + planned.lost > 1e-6) & (planned.stock > 1e-6)
    assume(not np.any(kept_back))  # the programme may refuse demand to make something of it later; paths serve it
    moments = run(network, planned.release, network.nodes.demand[:, None, :])
    found = {
        name: np.stack([getattr(moment, name)[:, 0] for moment in moments], axis=1) for name in ("stock", "backlog")
    }
    scale = 1e-5 * (1 + planned.release.sum() + network.nodes.demand.sum())
    assert found["stock"] == pytest.approx(planned.stock, abs=scale)
    assert found["backlog"] == pytest.approx(planned.backlog, abs=scale)


def test_needs_go_down_the_bill_of_materials_and_ahead_in_time():
    network = table_and_leg()
    network = replace(network, options=replace(network.options, lead_time=np.array([1, 2])))
    found = exploded(network, np.array([0, 1]), np.array([[0, 0, 0, 5.0], [1, 0, 0, 0]]))
    assert found.tolist() == [[0, 0, 0, 5], [1, 10, 0, 0]]


def test_waiting_is_short_where_the_order_would_have_served():
    """10 wanted a bucket, an order of 10 at once: without it 10 are lost in the one bucket before the next review."""
    network = network_of(nodes_of([[10.0, 10.0, 10.0]]), options_of([0], 3))
    supply = supply_of(1, periods=3, holding_cost=1.0, shortage_cost=7.0, lead_time=0)
    release = np.array([[10.0, 10.0, 10.0]])
    found = Scene.of(network, supply, release, np.full((1, 4, 3), 10.0), 0, 0, 1).wait()
    assert (found.waiting.stockout_probability, found.acting.stockout_probability) == (1, 0)
    assert (found.waiting.expected_shortage, found.acting.expected_shortage) == (10, 0)
    assert found.saved.tolist() == [70] * 4
    assert found.extra_holding == 0


def test_waiting_below_is_short_above():
    network = table_and_leg(on_hand=[0.0, 0.0])
    network = replace(network, nodes=replace(network.nodes, demand=np.array([[0, 5.0, 5, 5], [0, 0, 0, 0]])))
    supply = supply_of(2, periods=4, holding_cost=1.0, shortage_cost=7.0, lead_time=0)
    release = np.array([[5.0, 5, 5, 0], [10.0, 10, 10, 0]])
    paths = np.repeat(network.nodes.demand[:, None, :], 3, axis=1)
    found = Scene.of(network, supply, release, paths, 1, 0, 1).wait()
    assert (found.waiting.expected_shortage, found.acting.expected_shortage) == (5, 0)


def test_the_programme_says_what_a_release_and_overtime_are_worth():
    """Sailco (G11): without overtime 45 boats are lost at 1,000; the first period's 40 boats cannot be made later."""
    network = network_of(
        nodes_of([[40, 60, 75, 25]], on_hand=10.0, holding_cost=20.0, shortage_cost=1000.0),
        options_of([0], 4, unit_cost=400.0),
        loads=loads_of((0, 0, 1.0, 0.0)),
        resources=resources_of([40.0], 4, overtime=100.0, overtime_cost=50.0),
    )
    relaxed = Relaxed(network)
    assert relaxed.without_overtime() == pytest.approx([45 * (1000 - 450)])
    resource, bucket, price = relaxed.prices()
    assert dict(zip(bucket.tolist(), price.tolist(), strict=True)) == pytest.approx({0: 30, 1: 50, 2: 50})
    assert set(resource.tolist()) == {0}
    # 30 are lost in the first period, and the 10 in stock that were to be held are made in overtime
    lost = 30 * (1000 - 400) + 10 * (450 - 400 - 20)
    assert relaxed.regrets(np.array([0]), np.array([0]), np.array([1])) == pytest.approx([lost])
