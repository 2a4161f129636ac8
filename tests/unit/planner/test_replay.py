"""What an order came to on the demand that there was, by hand."""

import numpy as np
import pytest

from services.planner.engine.replay import Terms, replay

LOST = Terms(holding=0.5, penalty=6.0, ordering=1.0, backlog=False)


def test_lost_sales_are_paid_for_once() -> None:
    """10 on hand, 8 and 12 asked for, 5 come in the second bucket: 2 are left, then 7 are there and 5 are lost."""
    found = replay(10, np.zeros(2), np.array([8.0, 12.0]), np.array([0.0, 5.0]), 0, LOST)
    assert (found.short, found.stock) == (5.0, 1.0)
    assert found.cost == pytest.approx(1 + 0.5 * 2 + 6 * 5)


def test_backlog_is_paid_for_in_each_bucket_that_it_waits() -> None:
    """2 short in the first bucket wait in the second as well, where 3 more are; 9 come in the third."""
    terms = Terms(holding=0.5, penalty=2.0, ordering=0.0, backlog=True)
    found = replay(8, np.array([0, 0, 9.0]), np.array([10.0, 3.0, 1.0]), np.zeros(3), 0, terms)
    assert found.short == 2 + 3
    assert found.cost == pytest.approx(2 * 2 + 2 * 5 + 0.5 * 3)


def test_only_buckets_from_the_receipt_on_count() -> None:
    demand = np.array([20.0, 4.0])
    found = replay(10, np.zeros(2), demand, np.array([0.0, 4.0]), 1, LOST)
    assert (found.short, found.cost) == (0.0, 1.0)
    without = replay(10, np.zeros(2), demand, np.zeros(2), 1, LOST)
    assert (without.short, without.cost) == (4.0, 24.0)
