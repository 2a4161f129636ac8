"""Pictures of a backtest: small, the same for the same input, and of the features that weigh most."""

import struct

import matplotlib.pyplot
import numpy as np

from services.forecast.models import plots
from tests.unit.forecast.test_diagnostics import flat, outcome

SIGNATURE = b"\x89PNG\r\n\x1a\n"
LARGEST_BYTES = 40_000
FEATURES = [f"feature {number}" for number in range(20)]
EFFECTS = np.array([np.arange(20) / 10, -np.arange(20) / 10])


DEMAND = [[10, 20, 30], [40, 50, np.nan]]
OUTCOMES = [outcome(DEMAND, flat((2, 3), told), flat((2, 3), told / 2)) for told in (20, 30)]


def test_pictures_are_small_and_the_same_again():
    found = plots.plots(OUTCOMES, FEATURES, EFFECTS)
    assert found.keys() == {"calibration.png", "error_by_lag.png", "top_features.png"}
    for picture in found.values():
        assert picture.startswith(SIGNATURE)
        assert struct.unpack(">II", picture[16:24]) == (480, 320)
        assert len(picture) < LARGEST_BYTES
    assert plots.plots(OUTCOMES, FEATURES, EFFECTS) == found
    assert len(set(found.values())) == 3
    assert matplotlib.pyplot.get_fignums() == []


def test_other_numbers_make_another_picture():
    found, less = plots.plots(OUTCOMES, FEATURES, EFFECTS), plots.plots(OUTCOMES[:1], FEATURES, EFFECTS[:, ::-1])
    assert [name for name in found if found[name] == less[name]] == []


def test_the_heaviest_features_are_shown_whatever_their_sign():
    assert plots.heaviest(np.abs(EFFECTS).mean(axis=0)).tolist() == list(range(5, 20))
    assert plots.heaviest(np.array([1.0, 2.0, 1.0])).tolist() == [2, 0, 1]
