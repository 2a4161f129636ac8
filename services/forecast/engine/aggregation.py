"""Forecasts of aggregates: sums of the item-locations' means, and quantiles of the sums of their joint paths."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from services.forecast.engine.cells import QUANTILES, Bools, Floats, Ints
from services.forecast.engine.hierarchy import Hierarchy
from services.forecast.engine.levels import Level
from shared import paths
from shared.paths import Factor

PATHS = 200
_BLOCK_SERIES = 1_000
_HELD = 30_000_000  # numbers of summed paths that are held at a time; a level with more nodes goes in parts


@dataclass(frozen=True)
class Margins:
    """What is summed: mean [n, H], quantiles [n, H, K] and dependence [n] of n item-locations."""

    mean: Floats
    quantiles: Floats
    dependence: Floats


@dataclass(frozen=True)
class NodeForecast:
    """Demand of a level's N nodes in units: mean [N, H], quantiles [N, H, K] at QUANTILES."""

    level: Level
    mean: Floats
    quantiles: Floats


def aggregate(
    series: pd.DataFrame, margins: Margins, found: Sequence[Level], hierarchy: Hierarchy, threads: int = 2
) -> list[NodeForecast]:
    """Each level's nodes: means are exact sums, quantiles those of paths drawn with what the items have in common.

    A node of one item-location has its quantiles. `threads` have no influence on the numbers.
    """
    means = [level.sums(margins.mean) for level in found]
    quantiles = [_alone(level, margins) for level in found]
    drawing = _Drawing(series, margins, hierarchy.shared(found), threads)
    for parts in _batches(found, PATHS * margins.mean.shape[1]):
        for part, sums in zip(parts, drawing.sums(parts), strict=True):
            nodes = part.first + np.flatnonzero(part.level.sizes[part.first : part.last] > 1)
            quantiles[part.number][nodes] = _quantiles(sums[nodes - part.first], means[part.number][nodes])
    return [NodeForecast(*one) for one in zip(found, means, quantiles, strict=True)]


def _alone(level: Level, margins: Margins) -> Floats:
    """Quantiles [N, H, K] of any one item-location of each node."""
    found = np.zeros((len(level), *margins.quantiles.shape[1:]))
    found[level.node] = margins.quantiles
    return found


@dataclass(frozen=True)
class _Part:
    """Nodes `first` to `last` - 1 of a level, the `number`th."""

    level: Level
    number: int
    first: int
    last: int

    def holds(self) -> Bools:
        inside: Bools = (self.level.node >= self.first) & (self.level.node < self.last)
        return inside


def _batches(found: Sequence[Level], per_node: int) -> Iterator[list[_Part]]:
    """Parts of levels that fit into memory together."""
    room = max(1, _HELD // per_node)
    batch: list[_Part] = []
    left = room
    for number, level in enumerate(found):
        first = 0 if level.sizes.max() > 1 else len(level)
        while first < len(level):
            last = min(len(level), first + left)
            batch.append(_Part(level, number, first, last))
            left -= last - first
            first = last
            if not left:
                yield batch
                batch, left = [], room
    if batch:
        yield batch


class _Drawing:
    """Joint paths of item-locations, a block in each of `threads` at a time, with the levels' common factors."""

    def __init__(
        self, series: pd.DataFrame, margins: Margins, shared: Sequence[tuple[Level, float]], threads: int
    ) -> None:
        self.threads = threads
        keys = series["item"].astype(str) + "\x1f" + series["location"].astype(str)
        self.margins, self.horizon = margins, margins.mean.shape[1]
        self.seeds = paths.series_seeds(keys)
        weight = margins.mean.sum(axis=1)
        rho = float(np.average(margins.dependence, weights=weight)) if weight.sum() > 0 else 0.0
        self.factors = [
            Factor(share, level.node, self._scores(level, rho))
            for level, share in shared
            if len(level) * self.horizon * PATHS <= _HELD
        ]

    def _scores(self, level: Level, rho: float) -> Floats:
        seeds = paths.series_seeds(f"{level.name}\x1e{name}" for name in level.names)
        return paths.node_scores(seeds, rho=rho, periods=self.horizon, paths=PATHS)

    def sums(self, parts: Sequence[_Part]) -> list[Floats]:
        """Summed paths [nodes, H, PATHS] of each part: those of the blocks are added in their order."""
        found = [np.zeros((part.last - part.first, self.horizon, PATHS), dtype=np.float32) for part in parts]
        held = [part.holds() for part in parts]
        rows = np.flatnonzero(np.any(held, axis=0))
        cuts = [rows[start : start + _BLOCK_SERIES] for start in range(0, len(rows), _BLOCK_SERIES)]
        with ThreadPoolExecutor(self.threads) as pool:
            for block in pool.map(partial(self._block, parts, held), cuts):
                for sums, (nodes, more) in zip(found, block, strict=True):
                    sums[nodes] += more
        return found

    def _block(self, parts: Sequence[_Part], held: Sequence[Bools], rows: Ints) -> list[tuple[Ints, Floats]]:
        """Of each part the nodes [m] that have any of these `rows`, and the sums [m, H, PATHS] over those."""
        drawn = self._drawn(rows)
        found = []
        for part, mine in zip(parts, held, strict=True):
            inside = np.flatnonzero(mine[rows])
            node = part.level.node[rows[inside]] - part.first
            order = np.argsort(node, kind="stable")
            nodes, starts = np.unique(node[order], return_index=True)
            found.append((nodes, np.add.reduceat(drawn[inside[order]], starts, axis=0) if len(nodes) else drawn[:0]))
        return found

    def _drawn(self, rows: Ints) -> Floats:
        """Paths [b, H, PATHS]."""
        drawn = paths.sample(
            np.array(QUANTILES),
            self.margins.quantiles[rows].astype(np.float64),
            self.margins.mean[rows].astype(np.float64),
            rho=self.margins.dependence[rows].astype(np.float64),
            seeds=self.seeds[rows],
            paths=PATHS,
            factors=[factor.of(rows) for factor in self.factors],
        )
        return drawn.swapaxes(1, 2)


def _quantiles(sums: Floats, mean: Floats) -> Floats:
    """Quantiles [N, H, K] of summed paths [N, H, S], scaled to the sums' exact mean [N, H]."""
    average = sums.mean(axis=2, dtype=np.float64)
    ratio = np.divide(mean, average, out=np.ones_like(average), where=average > 0)
    found = np.quantile(sums, QUANTILES, axis=2, method="hazen").astype(np.float64)
    return np.moveaxis(found, 0, -1) * ratio[..., None]
