"""What held-out blocks of history teach: errors made out of sample, and which head to trust.

The mean of a held-out cell comes from a model trained before the block, its quantiles from a head
fitted to the other blocks.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from services.forecast.engine.boosting import Fit
from services.forecast.engine.cells import QUANTILES, Bools, Floats, Ints
from services.forecast.engine.distribution import ForestHead, HeadName, ScaleHead, fit_head, head_features
from services.forecast.engine.features import Rows
from services.forecast.engine.metrics import decile_loss

_MANY_ZEROS = 0.6


@dataclass(frozen=True)
class HeldOut:
    """r cells of one block: columns that speak of spread [r, f]; demand and mean relative to the level `scale` [r].

    `members` [r, M] are the statistical forecasts, relative as well; `origin` and `step` (1..horizon) tell the
    period, `segment` indexes SEGMENTS.
    """

    spread: Floats
    target: Floats
    mean: Floats
    members: Floats
    scale: Floats
    series: Ints
    origin: Ints
    step: Ints
    segment: Ints

    @classmethod
    def of(cls, rows: Rows, mean: Floats, spread: Floats, segment: Ints) -> "HeldOut":
        cells = rows.cells
        return cls(
            spread=spread,
            target=rows.target,
            mean=mean,
            members=rows.members,
            scale=rows.scale,
            series=cells.series,
            origin=cells.origin,
            step=cells.horizon,
            segment=segment,
        )

    @property
    def features(self) -> Floats:
        """What the distribution heads read, [r, f + 2]."""
        return head_features(self.spread, self.mean, self.scale)

    def take(self, rows: Bools) -> "HeldOut":
        return HeldOut(*(column[rows] for column in vars(self).values()))

    def with_mean(self, mean: Floats) -> "HeldOut":
        return replace(self, mean=mean)

    @classmethod
    def joined(cls, blocks: Sequence["HeldOut"]) -> "HeldOut":
        columns = zip(*(vars(block).values() for block in blocks), strict=True)
        return cls(*(np.concatenate(column) for column in columns))

    def stretches(self, horizon: int) -> Ints:
        """Rows [m, horizon] of the cells that together are one series' whole horizon from one origin."""
        order = np.lexsort((self.step, self.series, self.origin))
        starts = order[: max(len(order) - horizon + 1, 0)]
        ends = order[horizon - 1 :]
        whole = (
            (self.step[starts] == 1)
            & (self.step[ends] == horizon)
            & (self.series[starts] == self.series[ends])
            & (self.origin[starts] == self.origin[ends])
        )
        rows: Ints = order[np.flatnonzero(whole)[:, None] + np.arange(horizon)]
        return rows


@dataclass(frozen=True)
class Trial:
    """The head that won on cells left out, and its quantiles [r, K] there, blocks joined in order."""

    name: HeadName
    quantiles: Floats


def try_heads(blocks: Sequence[HeldOut], how: Fit) -> Trial:
    """Leave each block out in turn and take the head with the least decile loss in units."""
    if len(blocks) == 1:
        return _by_halves(blocks[0], how)
    rounds = [_left_out(blocks, number, how) for number in range(len(blocks))]
    quantiles = {name: np.concatenate([found[name] for found in rounds]) for name in rounds[0]}
    whole = HeldOut.joined(blocks)
    losses = {name: _loss(whole, found) for name, found in quantiles.items()}
    best = min(losses, key=lambda name: losses[name])
    return Trial(best, quantiles[best])


def _by_halves(block: HeldOut, how: Fit) -> Trial:
    """With one block, half of its series teach the head that is tried on the others, and the other way round.

    That would choose between heads too kindly, so a rule does.
    """
    name: HeadName = "forest" if (block.target == 0).mean() > _MANY_ZEROS else "both"
    even = np.unique(block.series, return_inverse=True)[1] % 2 == 0
    quantiles = np.empty((len(even), len(QUANTILES)))
    for taught in (even, ~even):
        if taught.all():  # a single series: it stands in the other half
            continue
        others = block.take(taught) if taught.any() else block
        head = fit_head(name, others.features, others.target, others.mean, how)
        tried = block.take(~taught)
        quantiles[~taught] = head.predict(tried.features, tried.mean)
    return Trial(name, quantiles)


def _left_out(blocks: Sequence[HeldOut], number: int, how: Fit) -> dict[HeadName, Floats]:
    """Quantiles [r, K] of one block by heads that were fitted to the others."""
    block, others = blocks[number], HeldOut.joined([*blocks[:number], *blocks[number + 1 :]])
    sample = (others.features, others.target, others.mean, how)
    forest = ForestHead.fit(*sample).predict(block.features, block.mean)
    scale = ScaleHead.fit(*sample).predict(block.features, block.mean)
    return {"forest": forest, "scale": scale, "both": (forest + scale) / 2}


def _loss(held_out: HeldOut, quantiles: Floats) -> float:
    return float((decile_loss(held_out.target, quantiles) * held_out.scale).sum())
