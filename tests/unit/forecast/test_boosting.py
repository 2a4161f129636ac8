import numpy as np
import pytest

from services.forecast.engine import boosting
from services.forecast.engine.boosting import Booster, Fit

RNG = np.random.default_rng(8)
MATRIX = RNG.normal(size=(600, 5)).astype(np.float32)
LABELS = RNG.poisson(np.exp(MATRIX[:, 0])).astype(float)
OTHERS = np.column_stack([LABELS, LABELS > 0])


def fitted(threads: int, labels, **parameters) -> Booster:
    return Booster.fit(MATRIX, labels, 3, Fit(threads=threads), **parameters)


@pytest.mark.parametrize(
    ("labels", "parameters"),
    [
        (LABELS, {"objective": "count:poisson", "subsample": 0.8}),
        (OTHERS, {"objective": "reg:squarederror", "multi_strategy": "multi_output_tree", "subsample": 0.5}),
    ],
)
def test_threads_change_no_bit(monkeypatch, labels, parameters):
    monkeypatch.setattr(boosting, "_THREADED_ROWS", 0)
    one, two = fitted(1, labels, **parameters), fitted(2, labels, **parameters)
    assert np.array_equal(one.predict(MATRIX), two.predict(MATRIX))
    assert np.array_equal(one.leaves(MATRIX), two.leaves(MATRIX))


def test_bytes_give_the_same_trees():
    one = fitted(1, LABELS, objective="count:poisson")
    again = Booster.from_bytes(one.to_bytes(), threads=1)
    assert np.array_equal(one.predict(MATRIX), again.predict(MATRIX))
    assert again.to_bytes() == one.to_bytes()


def test_missing_values_are_allowed():
    holes = np.where(RNG.random(MATRIX.shape) < 0.3, np.float32(np.nan), MATRIX)
    assert np.isfinite(Booster.fit(holes, LABELS, 3, Fit(threads=1)).predict(holes)).all()
