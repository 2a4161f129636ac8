"""Levels of aggregation that a model has learned of: whose own forecast to hear, and what their items share."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from services.forecast.engine import reconciliation
from services.forecast.engine.cells import Floats
from services.forecast.engine.history import History
from services.forecast.engine.levels import Level
from services.forecast.engine.node_statistics import Recent, node_statistics
from services.forecast.engine.reconciliation import Told


@dataclass(frozen=True)
class Rule:
    """Of a level.

    level, shape: weights 0..1 of statistics on its nodes' own history against the sum of their items, for demand over
    the whole horizon and for how it is spread over the periods. share: 0..1, of the variance of an item-location that
    it has in common with the others of its node.
    """

    level: float = 0.0
    shape: float = 0.0
    share: float = 0.0


@dataclass(frozen=True)
class Heard:
    """What statistics say of a level's nodes, [N, H] in units (NaN: nothing), and how far they are trusted."""

    level: Level
    told: Floats
    rule: Rule


@dataclass(frozen=True)
class Hierarchy:
    """Rules by name of the level; a level without one keeps the sum of its items, taken as independent."""

    rules: dict[str, Rule]

    @classmethod
    def none(cls) -> "Hierarchy":
        return cls({})

    def factors(self, found: Sequence[Level], history: History, season: int, mean: Floats, deviation: Floats) -> Floats:
        """Factors [n, H] by which each item-location's `mean` [n, H] after the end of history moves."""
        last, horizon = history.length - 1, mean.shape[1]
        trusted = [level for level in found if self.rule(level).level > 0 or self.rule(level).shape > 0]
        recent = Recent.of(history, season, [last])
        heard = [
            Heard(level, node_statistics(recent, season, level, [last], horizon)[0], self.rule(level))
            for level in trusted
        ]
        return factors(mean, deviation, heard)

    def shared(self, found: Sequence[Level]) -> list[tuple[Level, float]]:
        """The levels whose nodes' items have something in common, and how much."""
        return [(level, self.rule(level).share) for level in found if self.rule(level).share > 0]

    def rule(self, level: Level) -> Rule:
        return self.rules.get(level.name, Rule())

    def to_dict(self) -> dict[str, Any]:
        return {name: asdict(rule) for name, rule in self.rules.items()}

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> "Hierarchy":
        return cls({name: Rule(**rule) for name, rule in raw.items()})


def factors(mean: Floats, deviation: Floats, heard: Sequence[Heard]) -> Floats:
    """Factors [n, H] of `mean` [n, H]: its sums over the horizon meet the nodes', then each period meets their shape.

    The more an item-location may err, by its `deviation` [n, H], the more of the difference it takes. A shape is told
    at the level that the sums have reached, so that it moves demand between periods alone.
    """
    whole = [Told(one.level, one.told.sum(axis=1), one.rule.level) for one in heard]
    found = reconciliation.factors(mean.sum(axis=1, dtype=np.float64), deviation.sum(axis=1, dtype=np.float64), whole)
    shaped = [one for one in heard if one.rule.shape > 0]
    now: Floats = mean * found[:, None]
    spread: Floats = deviation * found[:, None]
    columns = [
        found * reconciliation.factors(now[:, step], spread[:, step], part)
        for step, part in enumerate(_shapes(now, shaped))
    ]
    return np.stack(columns, axis=1)


def _shapes(now: Floats, shaped: Sequence[Heard]) -> Iterator[list[Told]]:
    targets = [(one.level, at_level(one.told, one.level.sums(now.sum(axis=1))), one.rule.shape) for one in shaped]
    for step in range(now.shape[1]):
        yield [Told(level, target[:, step], weight) for level, target, weight in targets]


def at_level(told: Floats, whole: Floats) -> Floats:
    """`told` [N, H] scaled to add up to `whole` [N] over the periods; NaN where it says nothing."""
    total = told.sum(axis=1)
    return told * (whole / np.where(total > 0, total, np.nan))[:, None]
