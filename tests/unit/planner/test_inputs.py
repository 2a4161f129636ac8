"""What the engine refuses to plan, and the fractiles that it plans to."""

from typing import Any

import numpy as np
import pytest
from scipy.special import ndtri

from tests.unit.planner.cases import supply_of


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({"lead_time": [0, -1]}, "lead_time, fence >= 0"),
        ({"fence": [0, -1]}, "lead_time, fence >= 0"),
        ({"review": [1, 0]}, "review >= 1"),
        ({"multiple": [1.0, 0.0]}, "multiple > 0"),
        ({"holding_cost": [1.0, 0.0]}, "holding_cost > 0"),
        ({"order_cost": [0.0, np.nan]}, "unit_cost, order_cost >= 0"),
        ({"moq": [0.0, 7.0], "multiple": 6.0, "max_qty": 11.0}, "a lot between moq and max_qty"),
        ({"service_target": [np.nan, 0.9], "shortage_cost": 1.0}, "one of shortage_cost, service_target, fill_target"),
        ({"service_target": [0.9, np.nan]}, "one of shortage_cost, service_target, fill_target"),
        ({"service_target": [0.9, 1.0]}, "service_target inside"),
        ({"shortage_cost": [1.0, -1.0]}, "shortage_cost >= 0"),
        ({"on_hand": [0.0, -1.0]}, "on_hand >= 0 where sales are lost"),
        ({"on_hand": [0.0, np.nan], "backlog": True}, "on_hand is finite"),
        ({"receipts": np.array([[0.0] * 6, [0.0] * 5 + [-1.0]])}, "receipts >= 0"),
        ({"shelf_life": [3, 0]}, "shelf_life >= 1"),
        ({"lead_time": [0, 6]}, "fence + lead_time + review <= T"),
    ],
)
def test_a_senseless_row_is_named_with_its_rule(given: dict[str, Any], rule: str) -> None:
    with pytest.raises(ValueError, match=r"does not hold in row [01]$") as refused:
        supply_of(2, **given)
    assert str(refused.value).startswith(rule)


def test_critical_fractile_of_one_against_a_fifth() -> None:
    supply = supply_of(2, shortage_cost=1.0, holding_cost=0.2, backlog=[True, False])
    np.testing.assert_allclose(supply.fractile, 0.83333, atol=5e-6)
    np.testing.assert_allclose(ndtri(supply.fractile), 0.967422, atol=5e-7)


def test_an_unsold_unit_is_held_for_the_whole_review_period() -> None:
    supply = supply_of(2, shortage_cost=1.0, holding_cost=0.2, review=3, backlog=[True, False])
    np.testing.assert_allclose(supply.fractile, [1 / 1.2, 1 / 1.6])


def test_a_service_target_is_its_own_fractile() -> None:
    supply = supply_of(2, service_target=[0.9, 0.99], review=2, backlog=[True, False])
    np.testing.assert_allclose(supply.fractile, [0.9, 0.99])
    np.testing.assert_allclose(supply.penalty, [0.2 * 9, 0.2 * 99 * 2])


def test_the_frozen_fence_delays_the_first_receipt() -> None:
    assert supply_of(2, lead_time=[0, 2], fence=[1, 3]).arrival.tolist() == [1, 5]


def test_rows_keep_every_field_together() -> None:
    supply = supply_of(3, on_hand=[1.0, 2.0, 3.0], multiple=[1.0, 2.0, 3.0])
    part = supply.rows(np.array([2, 0]))
    assert part.on_hand.tolist() == [3.0, 1.0]
    assert part.multiple.tolist() == [3.0, 1.0]
