"""How much of each demand class's forecast comes from statistics: learned from held-out blocks.

One weight per class, by least squares on what the learned mean missed, drawn in to a common prior as far as blocks
and series leave it in doubt. Source: Bates and Granger (1969), The combination of forecasts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from services.forecast.engine.calibration import HeldOut
from services.forecast.engine.cells import Floats, Ints
from services.forecast.engine.members import MEMBERS, Member
from services.forecast.engine.segments import SEGMENTS

type Partner = Literal["smoothing", "rare", "mean", "trend"]

PARTNERS: dict[Partner, tuple[Member, ...]] = {
    "smoothing": ("smoothing", "theta"),
    "rare": ("sba", "tsb"),
    "mean": ("mean",),
    "trend": ("trend", "theta"),
}
_REGULAR: tuple[Partner, ...] = ("smoothing", "trend")
_RARE: tuple[Partner, ...] = ("smoothing", "rare", "mean")
_OFFERED = (_REGULAR, _REGULAR, _RARE, _RARE)  # to each of SEGMENTS
_PRIOR = 0.4  # weight of statistics before anything is known
_PRIOR_DEVIATION = 0.25
_BLOCK_DEVIATION = 0.15  # by which one block's best weight differs from the next one's, whatever the number of series
_LEAST_CELLS = 5
_FLOOR = 0.05  # of the level, in the variance of a cell
_WINSOR = 0.995


@dataclass(frozen=True)
class Blend:
    """By demand class: the statistical `partner` of the learned mean and its `weight` [segments]."""

    partner: tuple[Partner, ...]
    weight: Floats

    def mean(self, learned: Floats, members: Floats, segment: Ints) -> Floats:
        """Blend the learned mean [r] with forecasts by MEMBERS [r, M]; where they are unknown it stands alone."""
        other = self.statistical(members, segment)
        weight = self.weight[segment]
        found: Floats = np.where(np.isfinite(other), (1 - weight) * learned + weight * other, learned)
        return np.maximum(found, np.finfo(np.float32).tiny)

    def statistical(self, members: Floats, segment: Ints) -> Floats:
        """The forecast [r] by the partner of each cell's class alone, of those by MEMBERS [r, M]."""
        told = np.stack([partner_forecast(members, name) for name in PARTNERS])
        chosen = np.array([list(PARTNERS).index(name) for name in self.partner])
        found: Floats = told[chosen[segment], np.arange(len(members))]
        return found

    @classmethod
    def learn(cls, blocks: Sequence[HeldOut]) -> "Blend":
        """Take for each class the partner and weight that would have helped most; none where it has no cells."""
        found = [_best(blocks, number) for number in range(len(SEGMENTS))]
        return cls(tuple(name for name, _ in found), np.array([weight for _, weight in found]))

    @classmethod
    def none(cls) -> "Blend":
        """The learned mean alone."""
        unread: Partner = "smoothing"
        return cls((unread,) * len(SEGMENTS), np.zeros(len(SEGMENTS)))

    def to_dict(self) -> dict[str, tuple[Partner, float]]:
        pairs = zip(self.partner, self.weight.tolist(), strict=True)
        return dict(zip(SEGMENTS, pairs, strict=True))

    @classmethod
    def from_dict(cls, raw: dict[str, tuple[Partner, float]]) -> "Blend":
        pairs = [raw[name] for name in SEGMENTS]
        return cls(tuple(name for name, _ in pairs), np.array([weight for _, weight in pairs]))


def partner_forecast(members: Floats, name: Partner) -> Floats:
    """Mean [r] of the partner's members out of [r, M]."""
    found: Floats = members[:, [MEMBERS.index(member) for member in PARTNERS[name]]].mean(axis=1)
    return found


def _best(blocks: Sequence[HeldOut], segment: int) -> tuple[Partner, float]:
    fits = {name: _Fit.of(blocks, segment, name) for name in _OFFERED[segment]}
    known = {name: fit for name, fit in fits.items() if fit is not None}
    if not known:
        return "smoothing", 0.0
    name = max(known, key=lambda name: known[name].gain())
    return name, known[name].weight()


@dataclass(frozen=True)
class _Fit:
    """Weighted least squares of the misses on partner less learned mean: w = cross / square, with its variance."""

    cross: float
    square: float
    variance: float

    def weight(self) -> float:
        prior, data = _PRIOR_DEVIATION**-2, 1 / self.variance
        drawn_in = (self.cross / self.square * data + _PRIOR * prior) / (data + prior)
        return float(np.clip(drawn_in, 0, 1))

    def gain(self) -> float:
        """By how much the weight lessens the weighted squared error."""
        weight = self.weight()
        return weight * (2 * self.cross - weight * self.square)

    @classmethod
    def of(cls, blocks: Sequence[HeldOut], segment: int, name: Partner) -> "_Fit | None":
        pairs = [found for block in blocks if (found := _differences(block, segment, name)) is not None]
        square = sum(float((v * d * d).sum()) for d, _, v, _ in pairs)
        if not square > 0:
            return None
        cross = sum(float((v * d * r).sum()) for d, r, v, _ in pairs)
        scores = [np.bincount(series, v * d * (r - cross / square * d)) for d, r, v, series in pairs]
        by_series = sum(float((score**2).sum()) for score in scores)
        count = len(pairs)
        by_block = sum(float(score.sum()) ** 2 for score in scores) * count / (count - 1) if count > 1 else 0.0
        return cls(cross, square, max(by_series, by_block) / square**2 + _BLOCK_DEVIATION**2 / count)


def _differences(block: HeldOut, segment: int, name: Partner) -> tuple[Floats, Floats, Floats, Ints] | None:
    """Partner less learned mean, demand less learned mean, weight and series number of a class's cells."""
    told = partner_forecast(block.members, name)
    rows = np.flatnonzero((block.segment == segment) & np.isfinite(told))
    if len(rows) < _LEAST_CELLS:
        return None
    learned, told = block.mean[rows], told[rows]
    miss = block.target[rows] - learned
    limit = np.quantile(np.abs(miss), _WINSOR)
    weight = 1 / np.maximum((learned + told) / 2, _FLOOR)
    _, series = np.unique(block.series[rows], return_inverse=True)
    return told - learned, np.clip(miss, -limit, limit), weight, series
