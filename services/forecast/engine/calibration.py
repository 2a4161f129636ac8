"""What held-out blocks of history teach: errors made out of sample, and which head to trust.

The mean of a held-out cell comes from a model trained before the block, its quantiles from a head
fitted to the other blocks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.forecast.engine.boosting import Fit
from services.forecast.engine.cells import Floats, Ints
from services.forecast.engine.distribution import ForestHead, HeadName, ScaleHead, fit_head
from services.forecast.engine.metrics import decile_loss

_MANY_ZEROS = 0.6


@dataclass(frozen=True)
class HeldOut:
    """r cells of one block: head features [r, f]; demand and mean relative to the level `scale` [r].

    `origin` and `step` (1..horizon) tell the period, `segment` indexes SEGMENTS.
    """

    features: Floats
    target: Floats
    mean: Floats
    scale: Floats
    series: Ints
    origin: Ints
    step: Ints
    segment: Ints

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
    """The head that won on blocks left out, and its quantiles [r, K] there, blocks joined in order.

    With a single block nothing can be left out: `quantiles` are then in-sample, `fair` is false.
    """

    name: HeadName
    quantiles: Floats
    fair: bool


def try_heads(blocks: Sequence[HeldOut], how: Fit) -> Trial:
    """Leave each block out in turn and take the head with the least decile loss in units."""
    if len(blocks) == 1:
        return _untried(blocks[0], how)
    rounds = [_left_out(blocks, number, how) for number in range(len(blocks))]
    quantiles = {name: np.concatenate([found[name] for found in rounds]) for name in rounds[0]}
    whole = HeldOut.joined(blocks)
    losses = {name: _loss(whole, found) for name, found in quantiles.items()}
    best = min(losses, key=lambda name: losses[name])
    return Trial(best, quantiles[best], fair=True)


def _untried(block: HeldOut, how: Fit) -> Trial:
    name: HeadName = "forest" if (block.target == 0).mean() > _MANY_ZEROS else "both"
    head = fit_head(name, block.features, block.target, block.mean, how)
    return Trial(name, head.predict(block.features, block.mean), fair=False)


def _left_out(blocks: Sequence[HeldOut], number: int, how: Fit) -> dict[HeadName, Floats]:
    """Quantiles [r, K] of one block by heads that were fitted to the others."""
    block, others = blocks[number], HeldOut.joined([*blocks[:number], *blocks[number + 1 :]])
    sample = (others.features, others.target, others.mean, how)
    forest = ForestHead.fit(*sample).predict(block.features, block.mean)
    scale = ScaleHead.fit(*sample).predict(block.features, block.mean)
    return {"forest": forest, "scale": scale, "both": (forest + scale) / 2}


def _loss(held_out: HeldOut, quantiles: Floats) -> float:
    return float((decile_loss(held_out.target, quantiles) * held_out.scale).sum())
