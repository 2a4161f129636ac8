"""By how much mean and quantiles were off on held-out blocks, and their correction.

Sources: Romano, Patterson and Candes (2019), Conformalized quantile regression, for the additive shift;
Efron and Morris (1973) for drawing noisy estimates in towards the common one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.forecast.engine.calibration import HeldOut, Trial
from services.forecast.engine.cells import QUANTILES, Bools, Floats, Ints
from services.forecast.engine.segments import SEGMENTS

_LEVELS = np.array(QUANTILES)
_STEP_GROUPS = 4  # parts of the horizon, each with its own shift
_HALF_WEIGHT = 500  # series x blocks at which a group's own shift weighs as much as the pooled one
_TRUST = 0.5  # the final head learns from all blocks and errs less than the one tried on a block left out
_LEVEL_NOISE = 0.1  # log sd of a demand class's share in a block's miss that no calibration can foresee


@dataclass(frozen=True)
class Correction:
    """Added to quantiles: `shift` [step groups, segments, K] in widths of the 80 % interval.

    The mean is multiplied by `factor` [segments], which moves demand classes against each other.
    """

    shift: Floats
    factor: Floats
    horizon: int

    def quantiles(self, found: Floats, step: Ints, segment: Ints) -> Floats:
        """Shift quantiles [r, K]; never negative, never decreasing."""
        shift = self.shift[_step_group(step, self.horizon), segment]
        moved = found + shift * _width(found)[:, None]
        return np.maximum(np.maximum.accumulate(moved, axis=1), 0)

    def mean(self, found: Floats, segment: Ints) -> Floats:
        corrected: Floats = found * self.factor[segment]
        return corrected

    @classmethod
    def learn(cls, blocks: Sequence[HeldOut], trial: Trial, horizon: int) -> "Correction":
        """Learn from held-out cells and from quantiles that were told of them by a head that had not seen them."""
        factor = np.exp([_log_factor(blocks, segment) for segment in range(len(SEGMENTS))])
        return cls(_shifts(blocks, trial, horizon), factor, horizon)


def _step_group(step: Ints, horizon: int) -> Ints:
    group: Ints = np.minimum((step - 1) * _STEP_GROUPS // horizon, _STEP_GROUPS - 1)
    return group


def _width(quantiles: Floats) -> Floats:
    """Width [r] of the 80 % interval."""
    width: Floats = quantiles[:, -2] - quantiles[:, 1]
    return width


def _shifts(blocks: Sequence[HeldOut], trial: Trial, horizon: int) -> Floats:
    """Shift of each part of the horizon and demand class, drawn in to the pooled one where data are few."""
    whole = HeldOut.joined(blocks)
    width = _width(trial.quantiles)
    usable = width > 0
    if not usable.any():
        return np.zeros((_STEP_GROUPS, len(SEGMENTS), len(_LEVELS)))
    miss = (whole.target[:, None] - trial.quantiles) / np.where(usable, width, 1)[:, None]
    part = _step_group(whole.step, horizon)
    cluster = np.repeat(np.arange(len(blocks)), [len(block.series) for block in blocks]) + whole.series * len(blocks)
    pooled = _level_quantiles(miss[usable])
    found = np.tile(pooled, (_STEP_GROUPS, len(SEGMENTS), 1))
    for group, segment in np.ndindex(_STEP_GROUPS, len(SEGMENTS)):
        members = usable & (part == group) & (whole.segment == segment)
        if members.any():
            size = len(np.unique(cluster[members]))
            own = _level_quantiles(miss[members])
            found[group, segment] += (own - pooled) * size / (size + _HALF_WEIGHT)
    return found * _TRUST


def _level_quantiles(miss: Floats) -> Floats:
    """Of the misses [r, K] of each level, the quantile at that level, [K]."""
    columns = zip(miss.T, _LEVELS, strict=True)
    return np.array([np.quantile(column, level) for column, level in columns])


def _log_factor(blocks: Sequence[HeldOut], segment: int) -> float:
    """Log of demand / mean of a demand class beyond that of all, drawn in to 0 as far as the blocks leave it in doubt.

    What all classes of a block share, a wet summer for one, tells nothing of the next block: measured on development
    data, correcting for it made forecasts worse.
    """
    pairs = [_log_ratio_beyond(block, segment) for block in blocks]
    known = np.array([pair for pair in pairs if pair is not None])
    if not len(known):
        return 0.0
    ratio, noise = known.T
    weight = 1 / (noise + _LEVEL_NOISE**2)
    mean = float(np.average(ratio, weights=weight))
    doubt = 1 / weight.sum()
    if len(ratio) > 1:
        doubt = max(doubt, float(np.average((ratio - mean) ** 2, weights=weight)) / (len(ratio) - 1))
    return float(mean**3 / (mean**2 + doubt))


def _log_ratio_beyond(block: HeldOut, segment: int) -> tuple[float, float] | None:
    """Log ratio of a demand class less that of the whole block, and its sampling variance; None without demand."""
    own, whole = (_log_ratio(block, members) for members in (block.segment == segment, block.segment >= 0))
    return None if own is None or whole is None else (own[0] - whole[0], own[1])


def _log_ratio(block: HeldOut, members: Bools) -> tuple[float, float] | None:
    """Log of total demand over total mean, in units, and its sampling variance with series as clusters."""
    demand, mean = (block.target * block.scale)[members], (block.mean * block.scale)[members]
    if not demand.sum() > 0:
        return None
    ratio = demand.sum() / mean.sum()
    _, cluster = np.unique(block.series[members], return_inverse=True)
    misses = np.bincount(cluster, demand - ratio * mean)
    return float(np.log(ratio)), float((misses**2).sum() / demand.sum() ** 2)
