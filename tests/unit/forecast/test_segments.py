import numpy as np
import pytest

from services.forecast.engine.segments import SEGMENTS, segments


@pytest.mark.parametrize(
    ("demand", "segment"),
    [
        ([10, 11, 9, 10, 10, 11], "smooth"),
        ([1, 40, 2, 30, 1, 50], "erratic"),
        ([5, 0, 0, 5, 0, 5], "intermittent"),
        ([1, 0, 0, 60, 0, 1], "lumpy"),
        ([0, 0, 0, 0, 0, 0], "intermittent"),
        ([np.nan, np.nan, 10, 11, 9, 10], "smooth"),
    ],
)
def test_demand_class(demand, segment):
    assert SEGMENTS[segments(np.array([demand], dtype=float))[0]] == segment
