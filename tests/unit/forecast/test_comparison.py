"""What one forecast saves of another's losses, by group and period, by hand."""

import numpy as np
import pytest

from services.forecast.engine import gates
from services.forecast.engine.comparison import Comparison


def test_each_period_counts_once_with_the_mean_over_its_cells():
    """Two blocks; in the second period one cell is unknown to one of the two and counts for neither."""
    found = Comparison(2, 3)
    found.add(
        np.array([0, 1]), np.array([0, 1]), np.array([[4.0, 2.0], [9.0, 9.0]]), np.array([[2.0, 2.0], [9.0, 9.0]])
    )
    found.add(np.array([0]), np.array([1, 2]), np.array([[np.nan, 6.0]]), np.array([[1.0, 3.0]]))
    expected = gates.saved(np.array([2.0, 2.0, 3.0]), np.array([4.0, 2.0, 6.0]), 1)
    assert found.saved(0, 1) == expected
    assert expected.estimate == pytest.approx(5 / 12)
    assert (found.periods(0), found.periods(1)) == (3, 2)


def test_one_period_has_no_interval():
    found = Comparison(1, 1)
    found.add(np.array([0]), np.array([0]), np.array([[1.0]]), np.array([[2.0]]))
    assert found.saved(0, 1) is None
