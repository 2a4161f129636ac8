"""When deliveries disprove a lead time, by hand."""

import numpy as np
import pytest

from services.planner.engine.punctuality import lateness


def test_five_deliveries_that_are_late_beyond_chance_tell_by_how_much() -> None:
    found = lateness(np.array([2.0, 3.0, 2.0, 3.0, 2.0]))
    assert found is not None
    assert (found.deliveries, found.mean) == (5, pytest.approx(2.4))
    assert found.spread == pytest.approx(0.5477226)
    assert found.error == pytest.approx(0.2449490)


@pytest.mark.parametrize(
    "late", [[3.0] * 4, [0.4] * 9, [-4.0, 5.0, -3.0, 6.0, 1.0]], ids=["few", "hardly", "by chance"]
)
def test_few_or_hardly_late_or_scattered_deliveries_tell_nothing(late: list[float]) -> None:
    assert lateness(np.array(late)) is None


def test_early_ones_tell_as_much() -> None:
    found = lateness(np.full(6, -1.0))
    assert found is not None
    assert (found.mean, found.spread) == (-1.0, 0.0)
