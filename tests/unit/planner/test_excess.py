"""Stock to part with, against the economic time supply by hand."""

import numpy as np

from services.planner.engine.excess import excess
from tests.unit.planner.cases import supply_of


def test_a_unit_is_kept_until_holding_it_has_cost_its_price() -> None:
    """Worth 4 and held at 0.5 it is kept for 8 buckets: at 10 a bucket 80 of 130 are, in lots of 20 all but 40."""
    supply = supply_of(3, 6, on_hand=[130.0, 80.0, 130.0], unit_cost=4.0, holding_cost=0.5, multiple=[1.0, 1.0, 20.0])
    found = excess(supply, np.full((3, 6), 10.0), supply.price, np.full(3, np.inf))
    assert found.quantity.tolist() == [50.0, 0.0, 40.0]
    assert found.kept.tolist() == [8.0] * 3
    assert found.saved.tolist() == [0.5 * 50 * 6, 0.0, 0.5 * 40 * 6]


def test_what_nobody_asks_for_is_all_excess_save_what_has_no_price_and_backlog() -> None:
    supply = supply_of(3, 6, on_hand=[7.0, 7.0, -7.0], unit_cost=[4.0, 0.0, 4.0], backlog=True)
    assert excess(supply, np.zeros((3, 6)), supply.price, np.full(3, np.inf)).quantity.tolist() == [7.0, 0.0, 0.0]
