"""Orders under way of a network that had better change, by hand: a table of two legs, legs bought."""

import numpy as np

from services.planner.engine.changes import UnderWay
from services.planner.engine.network.changes import Standing, changes
from services.planner.engine.network.inputs import Mode
from services.planner.engine.network.projection import project
from tests.unit.planner.cases import supply_of
from tests.unit.planner.network.networks import network_of, nodes_of, options_of, uses_of

PERIODS = 6
TABLE, LEG = 0, 1


def standing(release, on_hand, receipts, demand=5.0):
    """Tables wanted and made, `release` [T], from legs that nothing but `receipts` [T] brings."""
    wanted = np.array([[demand] * PERIODS, [0.0] * PERIODS])
    scheduled = np.array([[0.0] * PERIODS, receipts])
    network = network_of(
        nodes_of(wanted, on_hand=on_hand, receipts=scheduled),
        options_of([TABLE, LEG], PERIODS, mode=[Mode.MAKE, Mode.BUY]),
        uses=uses_of((TABLE, LEG, 2.0)),
    )
    supply = supply_of(
        2, PERIODS, on_hand=on_hand, receipts=scheduled, holding_cost=[1.0, 0.5], shortage_cost=[8.0, 3.0]
    )
    planned = np.array([release, [0.0] * PERIODS])
    paths = wanted[:, None, :]
    return Standing(network, supply, planned, paths, project(network, supply, planned, paths))


def order(bucket, quantity, *, cancellable=False, hurried=PERIODS):
    columns = {"row": LEG, "bucket": bucket, "quantity": float(quantity)}
    columns |= {"cancellable": cancellable, "enlargeable": False, "hurried": hurried}
    return UnderWay(**{name: np.array([value]) for name, value in columns.items()})


def test_a_component_is_expedited_for_what_is_made_of_it():
    """20 legs make two buckets' tables; those due in the fourth are wanted in the third.

    A bucket sooner makes 5 tables more, lost at 8 each. The 50 legs then lie for no longer: 10 of them are used at
    once, and 40 are held a bucket more than none.
    """
    plan = standing([5.0] * PERIODS, [0.0, 20.0], [0, 0, 0, 50, 0, 0])
    found = changes(plan, order(3, 50, hurried=1), most=10)
    assert found is not None
    assert (found.moves.bucket.tolist(), found.moves.quantity.tolist()) == ([2], [50.0])
    assert found.saved["shortage_cost"].tolist() == [5 * 8.0]
    before, after = [40, 30, 20], [40, 30, 20, 10]
    assert found.saved["holding_cost"].tolist() == [0.5 * (sum(before) - sum(after))]
    assert (found.without.tolist(), found.with_.tolist()) == ([1.0], [0.0])


def test_a_component_that_cannot_come_sooner_stays():
    plan = standing([5.0] * PERIODS, [0.0, 20.0], [0, 0, 0, 50, 0, 0])
    assert changes(plan, order(3, 50, hurried=3), most=10) is None


def test_a_component_waits_until_its_stock_would_run_out():
    """50 legs last five buckets: 10 that come in the first are held for five buckets too long."""
    plan = standing([5.0] * PERIODS, [0.0, 50.0], [10, 0, 0, 0, 0, 0])
    found = changes(plan, order(0, 10), most=10)
    assert found is not None
    assert found.moves.bucket.tolist() == [5]
    assert found.saved["holding_cost"].tolist() == [0.5 * 10 * 5]
    assert found.saved["shortage_cost"].tolist() == [0.0]


def test_a_component_that_nothing_will_use_is_called_off_where_it_can_be():
    plan = standing([5.0, 5.0, 0, 0, 0, 0], [0.0, 20.0], [0, 30, 0, 0, 0, 0])
    found = changes(plan, order(1, 30, cancellable=True), most=10)
    assert found is not None
    assert (found.moves.bucket.tolist(), found.moves.quantity.tolist()) == ([PERIODS], [0.0])
    assert found.saved["holding_cost"].tolist() == [0.5 * 30 * 5]
    assert changes(plan, order(1, 30), most=10) is None


def test_a_component_that_is_all_used_stays():
    plan = standing([5.0] * PERIODS, [0.0, 20.0], [0, 0, 40, 0, 0, 0])
    assert changes(plan, order(2, 40, cancellable=True), most=10) is None
