from dataclasses import replace

import numpy as np
import pytest

from services.forecast.engine.calibration import HeldOut, Trial
from services.forecast.engine.cells import QUANTILES
from services.forecast.engine.correction import Correction
from services.forecast.engine.members import MEMBERS

LEVELS = np.array(QUANTILES)


def block(ratio: float, seed: int, series: int = 400, horizon: int = 8, segment: int = 0) -> HeldOut:
    """Demand of one class whose true mean is `ratio` times the predicted one."""
    rng = np.random.default_rng(seed)
    r = series * horizon
    return HeldOut(
        spread=np.zeros((r, 1)),
        target=rng.normal(ratio, 0.1, r),
        mean=np.ones(r),
        members=np.ones((r, len(MEMBERS))),
        scale=np.full(r, 50.0),
        series=np.repeat(np.arange(series), horizon),
        origin=np.full(r, 20),
        step=np.tile(np.arange(1, horizon + 1), series),
        segment=np.full(r, segment),
    )


def two_classes(smooth: float, intermittent: float, seed: int) -> HeldOut:
    """As much smooth demand as intermittent, each with its ratio to the predicted mean."""
    other = block(intermittent, seed + 100, segment=2)
    return HeldOut.joined([block(smooth, seed), replace(other, series=other.series + 400)])


def trial_of(blocks: list[HeldOut]) -> Trial:
    quantiles = np.tile(np.linspace(0.9, 1.1, len(LEVELS)), (sum(len(part.target) for part in blocks), 1))
    return Trial("both", quantiles)


def factor_of(blocks: list[HeldOut]) -> np.ndarray:
    return Correction.learn(blocks, trial_of(blocks), 8).factor


def test_a_class_that_steadily_misses_more_than_the_others_is_moved_against_them():
    factor = factor_of([two_classes(1.0, 0.6, seed) for seed in range(4)])
    assert factor[2] / factor[0] == pytest.approx(0.6, rel=0.03)
    assert factor[[0, 2]] == pytest.approx([1 / 0.8, 0.6 / 0.8], rel=0.03)
    assert factor[[1, 3]].tolist() == [1, 1]


@pytest.mark.parametrize("ratio", [1.4, 0.7])
def test_what_all_classes_of_the_blocks_share_is_left_alone(ratio):
    blocks = [two_classes(ratio, ratio, seed) for seed in range(4)]
    assert factor_of(blocks) == pytest.approx(np.ones(4), abs=0.001)


def test_a_bias_that_changes_sign_between_blocks_is_left_alone():
    ratios = [(1.2, 0.85), (0.85, 1.2), (1.15, 0.8), (0.8, 1.15)]
    blocks = [two_classes(smooth, intermittent, seed) for seed, (smooth, intermittent) in enumerate(ratios)]
    assert factor_of(blocks) == pytest.approx(np.ones(4), abs=0.01)


def test_too_narrow_quantiles_are_widened():
    blocks = [block(1.0, seed) for seed in range(4)]
    trial = trial_of(blocks)
    correction = Correction.learn(blocks, trial, 8)
    whole = HeldOut.joined(blocks)
    found = correction.quantiles(trial.quantiles, whole.step, whole.segment)

    def inside(quantiles):
        return ((whole.target >= quantiles[:, 1]) & (whole.target <= quantiles[:, -2])).mean()

    assert inside(trial.quantiles) < 0.65
    assert 0.68 < inside(found) < 0.82


def test_corrected_quantiles_never_cross_nor_fall_below_zero():
    shift = np.random.default_rng(0).normal(0, 3, (4, 4, len(LEVELS)))
    correction = Correction(shift, np.ones(4), 8)
    quantiles = np.sort(np.random.default_rng(1).uniform(0, 2, (64, len(LEVELS))), axis=1)
    found = correction.quantiles(quantiles, np.tile(np.arange(1, 9), 8), np.repeat(np.arange(4), 16))
    assert (found >= 0).all()
    assert (np.diff(found, axis=1) >= 0).all()


def test_stretches_are_whole_horizons_of_one_series_from_one_origin():
    held_out = block(1.0, 1, series=3, horizon=4)
    assert held_out.stretches(4).tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    assert held_out.stretches(5).shape == (0, 5)
