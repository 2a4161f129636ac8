import numpy as np
import pytest

from services.forecast.engine.segments import SEGMENTS, VOLUMES, segments, volumes


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


@pytest.mark.parametrize(
    ("units", "found"),
    [
        ([70, 5, 20, 4, 1], "ABACC"),  # 70 and 20 pass 80 %, 5 and 95 %
        ([79, 15, 6], "AAB"),
        ([80, 15, 5], "ABC"),
        ([1, 1], "AA"),
        ([0, 10], "CA"),
        ([0, 0], "CC"),
    ],
)
def test_volume_class(units, found):
    demand = np.array([[np.nan, unit / 2, unit / 2] for unit in units])
    assert "".join(VOLUMES[number] for number in volumes(demand)) == found
