import numpy as np
import pytest

from services.planner.engine.network.coupling import components, cycles, levels, tight
from services.planner.engine.network.inputs import Mode
from tests.unit.planner.network.networks import loads_of, network_of, nodes_of, options_of, resources_of, uses_of


def test_a_wrong_value_is_named_with_its_row() -> None:
    with pytest.raises(ValueError, match="demand >= 0 does not hold in item-location 1"):
        nodes_of([[1.0, 2.0], [1.0, -2.0]])
    with pytest.raises(ValueError, match="a lot between moq and max_qty does not hold in option 0"):
        options_of([0], 2, moq=10.0, multiple=4.0, max_qty=11.0)
    with pytest.raises(ValueError, match="item-location exists does not hold in use 1"):
        network_of(nodes_of([[1.0]]), options_of([0], 1), uses=uses_of((0, 0, 1.0), (0, 5, 1.0)))


def test_lots_lie_inside_moq_and_maximum() -> None:
    options = options_of([0, 0], 2, moq=[10.0, 10.0], multiple=[6.0, 0.0], max_qty=[40.0, 40.0])
    assert options.smallest.tolist() == [12.0, 10.0]
    assert options.largest.tolist() == [36.0, 40.0]


def test_components_come_from_use_and_from_capacity_that_may_bind() -> None:
    """0 uses 1; 2 and 3 share resource 0; 4 shares resource 1 with 0, which is never full; 5 is alone."""
    network = network_of(
        nodes_of(np.ones((6, 2))),
        options_of(range(6), 2),
        uses=uses_of((0, 1, 2.0)),
        loads=loads_of((2, 0, 1.0, 0.0), (3, 0, 1.0, 0.0), (4, 1, 1.0, 0.0), (0, 1, 1.0, 0.0)),
        resources=resources_of([2.0, 9.0], 2),
    )
    full = tight(network, np.array([[1.0, 1.8], [2.0, 2.0]]))
    assert full.tolist() == [True, False]
    assert [group.tolist() for group in components(network, full)] == [[0, 1], [2, 3], [4], [5]]
    assert [group.tolist() for group in components(network, np.array([True, True]))] == [[0, 1, 4], [2, 3], [5]]


def test_a_part_refers_to_its_own_rows() -> None:
    network = network_of(
        nodes_of(np.arange(8.0).reshape(4, 2)),
        options_of([3, 1, 2], 2, order_cost=[[5.0], [6.0], [7.0]]),
        uses=uses_of((0, 2, 2.0)),
        loads=loads_of((1, 0, 1.0, 0.0), (2, 1, 3.0, 0.5)),
        resources=resources_of([2.0, 9.0], 2),
    )
    part, options, resources = network.part(np.array([2, 3]))
    assert (options.tolist(), resources.tolist()) == ([0, 2], [1])
    assert part.nodes.demand.tolist() == [[4.0, 5.0], [6.0, 7.0]]
    assert (part.options.node.tolist(), part.options.order_cost[:, 0].tolist()) == ([1, 0], [5.0, 7.0])
    assert (part.uses.option.tolist(), part.uses.node.tolist()) == ([0], [0])
    assert (part.loads.option.tolist(), part.loads.resource.tolist()) == ([1], [0])
    assert part.resources.capacity.tolist() == [[9.0, 9.0]]
    with pytest.raises(ValueError, match="outside the part"):
        network.part(np.array([3]))


def test_a_cycle_in_the_bill_of_material_is_named_and_a_ring_of_transfers_is_none() -> None:
    """0 -> 1 -> 2 -> 1 by make; 3 <-> 4 by transfer."""
    network = network_of(
        nodes_of(np.ones((5, 1))),
        options_of([0, 1, 2, 3, 4], 1, mode=[Mode.MAKE] * 3 + [Mode.TRANSFER] * 2),
        uses=uses_of((0, 1, 1.0), (1, 2, 1.0), (2, 1, 1.0), (3, 4, 1.0), (4, 3, 1.0)),
    )
    assert [group.tolist() for group in cycles(network)] == [[1, 2]]
    assert levels(network).tolist() == [0, 1, 1, 0, 0]


def test_low_level_code_is_the_longest_way_down() -> None:
    network = network_of(
        nodes_of(np.ones((4, 1))),
        options_of([0, 1, 2], 1, mode=Mode.MAKE),
        uses=uses_of((0, 1, 1.0), (0, 3, 1.0), (1, 2, 1.0), (2, 3, 1.0)),
    )
    assert levels(network).tolist() == [0, 1, 2, 3]
    assert cycles(network) == []
