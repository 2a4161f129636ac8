"""Stage 2: how demand spreads around its mean, learned from errors that were made out of sample.

Two heads: the forest keeps the shape of demand / mean in its leaves (Meinshausen 2006, Quantile
regression forests; leaves averaged by quantile), the scale head stretches pooled errors by an expected
absolute error. Both give quantiles relative to the level, at QUANTILES.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from services.forecast.engine import arrays
from services.forecast.engine.boosting import Booster, Fit
from services.forecast.engine.cells import QUANTILES, Floats, Ints

type HeadName = Literal["forest", "scale", "both"]

_LEVELS = np.array(QUANTILES)
_ZERO = 1e-9
_PEAK = 2  # times the mean
_FOREST: dict[str, float | str] = {
    "objective": "reg:squarederror",
    "multi_strategy": "multi_output_tree",
    "num_parallel_tree": 40,
    "max_depth": 6,
    "learning_rate": 1.0,
    "subsample": 0.5,
    "colsample_bynode": 0.5,
    "min_child_weight": 60,
    "reg_lambda": 0.0,
    "max_bin": 64,
    "base_score": 0.0,
}
_SCALE: dict[str, float | str] = {
    "objective": "reg:squarederror",
    "max_depth": 4,
    "learning_rate": 0.1,
    "subsample": 0.8,
    "colsample_bytree": 0.6,
    "min_child_weight": 50,
    "reg_lambda": 2.0,
}
_SCALE_ROUNDS = 60
_SCALE_FLOOR = 0.02
_SCALE_BINS = 5
_LEAST_PER_BIN = 200


class Head(Protocol):
    """Quantiles [r, K] of scaled demand, from head features [r, f] and means [r]."""

    def predict(self, features: Floats, mean: Floats) -> Floats: ...

    def to_files(self) -> dict[str, bytes]: ...


def head_features(matrix: Floats, mean: Floats, scale: Floats) -> Floats:
    """Append the mean, relative and in units, to the columns that speak of spread."""
    size = np.log(np.maximum(mean * scale, 1e-6))
    return np.column_stack([mean, size, matrix]).astype(np.float32)


@dataclass(frozen=True)
class ForestHead:
    """Trees whose leaves hold quantiles of demand / mean: `leaves` is [trees, nodes, K]."""

    trees: Booster
    leaves: Floats

    @classmethod
    def fit(cls, features: Floats, target: Floats, mean: Floats, how: Fit) -> "ForestHead":
        relative = target / mean
        trees = Booster.fit(features, _aspects(relative), 1, how, **_FOREST)
        return cls(trees, _leaf_quantiles(trees.leaves(features), relative))

    def predict(self, features: Floats, mean: Floats) -> Floats:
        total = np.zeros((len(features), len(_LEVELS)))
        for table, leaf in zip(self.leaves, self.trees.leaves(features).T, strict=True):
            total += table[leaf]
        return total / len(self.leaves) * mean[:, None]

    def to_files(self) -> dict[str, bytes]:
        return {"forest.ubj": self.trees.to_bytes(), "forest_leaves.npy": arrays.to_bytes(self.leaves)}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes], threads: int) -> "ForestHead":
        trees = Booster.from_bytes(files["forest.ubj"], threads)
        return cls(trees, arrays.from_bytes(files["forest_leaves.npy"]))


@dataclass(frozen=True)
class ScaleHead:
    """An expected absolute error and standardised quantiles `shapes` [bins, K] by mean / error `edges`."""

    trees: Booster
    edges: Floats
    shapes: Floats

    @classmethod
    def fit(cls, features: Floats, target: Floats, mean: Floats, how: Fit) -> "ScaleHead":
        error = np.abs(target - mean)
        drawn_in = np.minimum(error, np.quantile(error, 0.999))
        trees = Booster.fit(features, drawn_in, _SCALE_ROUNDS, how, **_SCALE)
        spread = np.maximum(trees.predict(features), _SCALE_FLOOR)
        edges = np.quantile(mean / spread, np.linspace(0, 1, _SCALE_BINS + 1)[1:-1])
        return cls(trees, edges, _shapes((target - mean) / spread, np.digitize(mean / spread, edges)))

    def predict(self, features: Floats, mean: Floats) -> Floats:
        spread = np.maximum(self.trees.predict(features), _SCALE_FLOOR)
        shape = self.shapes[np.digitize(mean / spread, self.edges)]
        found: Floats = np.maximum(mean[:, None] + shape * spread[:, None], 0)
        return found

    def to_files(self) -> dict[str, bytes]:
        return {
            "scale.ubj": self.trees.to_bytes(),
            "scale_edges.npy": arrays.to_bytes(self.edges),
            "scale_shapes.npy": arrays.to_bytes(self.shapes),
        }

    @classmethod
    def from_files(cls, files: Mapping[str, bytes], threads: int) -> "ScaleHead":
        trees = Booster.from_bytes(files["scale.ubj"], threads)
        edges, shapes = files["scale_edges.npy"], files["scale_shapes.npy"]
        return cls(trees, arrays.from_bytes(edges), arrays.from_bytes(shapes))


@dataclass(frozen=True)
class BothHeads:
    """The mean of the two heads' quantiles."""

    forest: ForestHead
    scale: ScaleHead

    def predict(self, features: Floats, mean: Floats) -> Floats:
        return (self.forest.predict(features, mean) + self.scale.predict(features, mean)) / 2

    def to_files(self) -> dict[str, bytes]:
        return self.forest.to_files() | self.scale.to_files()


def fit_head(name: HeadName, features: Floats, target: Floats, mean: Floats, how: Fit) -> Head:
    """Fit to head features [r, f], demand [r] and mean [r], the latter two relative to the level."""
    if name == "forest":
        return ForestHead.fit(features, target, mean, how)
    if name == "scale":
        return ScaleHead.fit(features, target, mean, how)
    forest = ForestHead.fit(features, target, mean, how)
    return BothHeads(forest, ScaleHead.fit(features, target, mean, how))


def load_head(name: HeadName, files: Mapping[str, bytes], threads: int) -> Head:
    if name == "forest":
        return ForestHead.from_files(files, threads)
    if name == "scale":
        return ScaleHead.from_files(files, threads)
    return BothHeads(ForestHead.from_files(files, threads), ScaleHead.from_files(files, threads))


def _aspects(relative: Floats) -> Floats:
    """What the forest's splits should tell apart: centre, spread, zeros and peaks, standardised [r, 4]."""
    drawn_in = np.minimum(relative, np.quantile(relative, 0.995))
    aspects = np.column_stack([drawn_in, np.abs(drawn_in - 1), relative <= _ZERO, relative > _PEAK])
    found: Floats = aspects / np.maximum(aspects.std(axis=0), 1e-6)
    return found


def _leaf_quantiles(leaves: Ints, relative: Floats) -> Floats:
    """Quantiles of `relative` [r] in each leaf of each tree, [trees, nodes, K]."""
    order = np.argsort(relative, kind="stable")
    ranked, leaves = relative[order], leaves[order].T.astype(np.uint16)  # of 16 bits are sorted by radix
    tables = np.zeros((len(leaves), int(leaves.max()) + 1, len(_LEVELS)), dtype=np.float32)
    for table, leaf in zip(tables, leaves, strict=True):
        by_leaf = np.argsort(leaf, kind="stable")
        table[:] = _group_quantiles(ranked[by_leaf], leaf[by_leaf], len(table))
    return tables


def _group_quantiles(values: Floats, group: Ints, groups: int) -> Floats:
    """Linear-interpolated quantiles [groups, K] of `values` sorted by (group, value); 0 where empty."""
    start = np.searchsorted(group, np.arange(groups))
    count = np.searchsorted(group, np.arange(groups), side="right") - start
    position = start[:, None] + _LEVELS * np.maximum(count - 1, 0)[:, None]
    low = np.minimum(np.floor(position).astype(np.intp), len(values) - 1)
    high = np.minimum(low + 1, np.maximum(start + count - 1, 0)[:, None])
    part = position - np.floor(position)
    found = values[low] * (1 - part) + values[high] * part
    return np.where(count[:, None] > 0, found, 0)


def _shapes(standardised: Floats, bins: Ints) -> Floats:
    """Quantiles of standardised errors in each bin, those of all where a bin is thin, [bins, K]."""
    pooled = np.quantile(standardised, _LEVELS)
    groups = [standardised[bins == number] for number in range(_SCALE_BINS)]
    return np.array([np.quantile(group, _LEVELS) if len(group) > _LEAST_PER_BIN else pooled for group in groups])
