"""Feasible order quantities, with the examples of two vendors' documentation (PLANNING golden cases G24, G25)."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from services.planner.engine.lots import round_up
from tests.unit.planner.cases import supply_of

positive = st.floats(1e-3, 1e5, allow_nan=False)


def test_order_up_to_40_in_sixes() -> None:
    supply = supply_of(2, multiple=6.0)
    assert round_up(40.0 - np.array([10.0, 8.0]), supply).tolist() == [30.0, 36.0]


def test_an_order_in_twenties_grows_by_40_when_demand_grows_by_30() -> None:
    supply = supply_of(2, multiple=20.0, max_qty=100.0)
    assert round_up(np.array([60.0, 90.0]), supply).tolist() == [60.0, 100.0]


def test_nothing_needed_is_nothing_ordered() -> None:
    supply = supply_of(3, moq=12.0, multiple=5.0)
    assert round_up(np.array([0.0, -3.0, 1.0]), supply).tolist() == [0.0, 0.0, 15.0]


def test_rounding_error_does_not_buy_a_lot() -> None:
    supply = supply_of(3, multiple=[0.1, 0.1, 6.0])
    need = np.array([0.1 + 0.2, 0.7, 12.0 * (1 + 5e-8)])
    np.testing.assert_allclose(round_up(need, supply), [0.3, 0.7, 12.0], rtol=1e-12)


def test_the_maximum_is_kept() -> None:
    supply = supply_of(2, multiple=6.0, max_qty=[40.0, np.inf])
    assert round_up(np.array([90.0, 90.0]), supply).tolist() == [36.0, 90.0]


@settings(max_examples=60, deadline=None)
@given(need=positive, moq=st.floats(0, 1e4), multiple=positive)
def test_it_is_the_next_lot_that_covers_the_need(need: float, moq: float, multiple: float) -> None:
    supply = supply_of(moq=moq, multiple=multiple)
    quantity = float(round_up(np.array([need]), supply)[0])
    assert quantity >= moq * (1 - 1e-6) - 1e-9 * multiple
    np.testing.assert_allclose(quantity / multiple, round(quantity / multiple), rtol=1e-9)
    assert quantity >= need * (1 - 2e-6) - 2e-9 * multiple
    if need > supply.first_lot[0] * multiple:
        assert quantity <= need + multiple + 1e-12 * quantity


def test_each_path_is_rounded_with_its_own_row() -> None:
    supply = supply_of(2, multiple=[4.0, 10.0])
    rounded = round_up(np.array([[1.0, 5.0], [1.0, 11.0]]), supply)
    assert rounded.tolist() == [[4.0, 8.0], [10.0, 20.0]]
