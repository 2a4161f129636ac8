"""What held-out blocks tell of a hierarchy: how far to trust statistics on aggregates, and what items share.

Sources: Bates and Granger (1969) for the weights, drawn in to 0 as far as blocks and nodes leave them in doubt; the
shares are those at which the spread of sums would have been what was seen (moment matching).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import nnls

from services.forecast.engine import hierarchy
from services.forecast.engine.cells import Bools, Floats
from services.forecast.engine.hierarchy import Heard, Hierarchy, Rule, at_level
from services.forecast.engine.history import History
from services.forecast.engine.levels import Level
from services.forecast.engine.metrics import rmsse, row_mean
from services.forecast.engine.node_statistics import Recent, node_statistics
from services.forecast.engine.rehearsal import Rehearsal

_DEVIATION = 0.3  # of a weight around 0, before anything is known
_BLOCK_DEVIATION = 0.15  # by which one block's best weight differs from the next one's, whatever the number of nodes
_LEAST = 0.02  # a smaller weight is none
_TRUST = (0.5, 0.25, 0.0)  # what helps sums by its whole weight costs items more than by half: as far as it costs none
_MOST_SHARED = 0.9
_WINSOR = 0.995


def learn(found: Sequence[Level], history: History, season: int, rehearsals: Sequence[Rehearsal]) -> Hierarchy:
    """Rules for the levels, coarsest first: each is asked what it adds to those before it."""
    if not rehearsals:
        return Hierarchy.none()
    recent = Recent.of(history, season, [one.origin for one in rehearsals])
    told = {level.name: _statistics(level, recent, season, rehearsals) for level in found}
    scales = {level.name: _scale(level, history, min(one.origin for one in rehearsals)) for level in found}
    rules: dict[str, Rule] = {}
    plain: list[Floats] = [np.ones(one.mean.shape) for one in rehearsals]
    factors = plain
    for differ, field in ((_levels, "level"), (_shapes, "shape")):
        for level in found:
            pairs = [
                differ(level, one, factor, statistics, scales[level.name])
                for one, factor, statistics in zip(rehearsals, factors, told[level.name], strict=True)
            ]
            weight = _weight(pairs)
            rules[level.name] = replace(rules.get(level.name, Rule()), **{field: weight})
            if weight > 0:
                factors = [_factors(found, rules, told, number, one) for number, one in enumerate(rehearsals)]
    allowed = _item_error(history, rehearsals, plain)
    for trust in _TRUST:
        trusted = {name: Rule(rule.level * trust, rule.shape * trust) for name, rule in rules.items()}
        factors = [_factors(found, trusted, told, number, one) for number, one in enumerate(rehearsals)]
        if _item_error(history, rehearsals, factors) <= allowed:
            break
    shares = _shares(found, rehearsals, factors)
    return Hierarchy({name: replace(rule, share=shares[name]) for name, rule in trusted.items()})


def _item_error(history: History, rehearsals: Sequence[Rehearsal], factors: Sequence[Floats]) -> float:
    """Mean RMSSE of item-locations."""
    past = history.demand[: min(one.origin for one in rehearsals) + 1].T
    errors = [rmsse(past, one.demand, one.mean * factor) for one, factor in zip(rehearsals, factors, strict=True)]
    return float(np.mean(errors))


def _statistics(level: Level, recent: Recent, season: int, rehearsals: Sequence[Rehearsal]) -> list[Floats]:
    """Of each rehearsal's steps, [N, k]."""
    horizon = max(int(rehearsal.steps[-1]) for rehearsal in rehearsals)
    origins = [rehearsal.origin for rehearsal in rehearsals]
    found = node_statistics(recent, season, level, origins, horizon)
    return [told[:, one.steps - 1] for told, one in zip(found, rehearsals, strict=True)]


def _scale(level: Level, history: History, origin: int) -> Floats:
    """Root mean squared step [N] of the nodes' demand until `origin`, NaN where it never moved."""
    demand = level.sums(history.demand[: origin + 1].T)
    step = np.sqrt(row_mean(np.diff(demand, axis=1) ** 2))
    return np.where(step > 0, step, np.nan)


def _factors(
    found: Sequence[Level], rules: dict[str, Rule], told: dict[str, list[Floats]], number: int, one: Rehearsal
) -> Floats:
    return hierarchy.factors(
        one.mean,
        one.deviation,
        [Heard(level, told[level.name][number], rules[level.name]) for level in found if level.name in rules],
    )


def _levels(level: Level, one: Rehearsal, factor: Floats, told: Floats, scale: Floats) -> tuple[Floats, Floats]:
    """Statistics less sums, and demand less sums, [m, 1]: mean of the horizon, relative to the scale."""
    came, sums, told = (values.mean(axis=1, keepdims=True) for values in _known(level, one, factor, told))
    return _usable((told - sums) / scale[:, None], (came - sums) / scale[:, None])


def _shapes(level: Level, one: Rehearsal, factor: Floats, told: Floats, scale: Floats) -> tuple[Floats, Floats]:
    """The same by period, [m, k], all three at the level of the sums."""
    came, sums, told = _known(level, one, factor, told)
    whole = sums.sum(axis=1)
    return _usable((at_level(told, whole) - sums) / scale[:, None], (at_level(came, whole) - sums) / scale[:, None])


def _known(level: Level, one: Rehearsal, factor: Floats, told: Floats) -> tuple[Floats, Floats, Floats]:
    """Demand, sums and statistics [N, k] of the cells whose demand is known."""
    whole, part = level.sums(factor * one.mean), level.sums(factor * one.known)
    covered = np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0)
    return level.sums(one.demand), part, told * covered


def _usable(difference: Floats, miss: Floats) -> tuple[Floats, Floats]:
    """Nodes where both are known; misses cut where one alone would decide."""
    known = np.isfinite(difference).all(axis=1) & np.isfinite(miss).all(axis=1)
    difference, miss = difference[known], miss[known]
    limit = np.quantile(np.abs(miss), _WINSOR) if miss.size else 0.0
    return difference, np.clip(miss, -limit, limit)


def _weight(pairs: Sequence[tuple[Floats, Floats]]) -> float:
    """Least squares of what sums missed on statistics less sums, drawn in to 0 as far as it is in doubt."""
    square = sum(float((d * d).sum()) for d, _ in pairs)
    if not square > 0:
        return 0.0
    weight = sum(float((d * r).sum()) for d, r in pairs) / square
    scores = [(d * (r - weight * d)).sum(axis=1) for d, r in pairs]
    by_node = sum(float((score**2).sum()) for score in scores)
    count = len(pairs)
    by_block = sum(float(score.sum()) ** 2 for score in scores) * count / (count - 1) if count > 1 else 0.0
    variance = max(by_node, by_block) / square**2 + _BLOCK_DEVIATION**2 / count
    drawn_in = min(weight * _DEVIATION**2 / (_DEVIATION**2 + variance), 1.0)
    return drawn_in if drawn_in >= _LEAST else 0.0


def _shares(found: Sequence[Level], rehearsals: Sequence[Rehearsal], factors: Sequence[Floats]) -> dict[str, float]:
    """Variance shared at each level: squared misses of sums beyond those of independent items, by least squares."""
    moments = [_Moments.of(found, one, factor) for one, factor in zip(rehearsals, factors, strict=True)]
    excess = np.mean([one.excess for one in moments], axis=0)
    design = np.mean([one.design for one in moments], axis=0)
    shares, _ = nnls(design, np.maximum(excess, 0))
    shares *= min(1, _MOST_SHARED / max(shares.sum(), 1e-9))
    return {level.name: float(share) for level, share in zip(found, shares, strict=True)}


@dataclass(frozen=True)
class _Moments:
    """Means over nodes of L levels, relative to the variance of a sum whose items all go together.

    excess [L]: variance of sums beyond that of independent items. design [L, L]: what sharing at each level (columns)
    would add.
    """

    excess: Floats
    design: Floats

    @classmethod
    def of(cls, found: Sequence[Level], one: Rehearsal, factor: Floats) -> "_Moments":
        known = ~np.isnan(one.demand)
        spread = np.where(known, one.deviation, 0) * factor
        miss = np.where(known, one.demand - one.mean * factor, 0)
        excess, design = np.zeros(len(found)), np.zeros((len(found), len(found)))
        for row, level in enumerate(found):
            together, apart = level.sums(spread) ** 2, level.sums(spread**2)
            usable = together > apart
            excess[row] = _mean_ratio(level.sums(miss) ** 2 - apart, together, usable)
            for column, other in enumerate(found):
                design[row, column] = _mean_ratio(_crossed(level, other, spread) - apart, together, usable)
        return cls(excess, design)


def _mean_ratio(numerator: Floats, denominator: Floats, usable: Bools) -> float:
    return float((numerator[usable] / denominator[usable]).mean()) if usable.any() else 0.0


def _crossed(level: Level, other: Level, spread: Floats) -> Floats:
    """Variance [N, k] of a level's sums if the items of each of the other level's nodes went together."""
    codes, place = np.unique(level.node * len(other) + other.node, return_inverse=True)
    both = Level("", place.astype(np.intp), tuple(map(str, codes)))
    return Level("", (codes // len(other)).astype(np.intp), level.names).sums(both.sums(spread) ** 2)
