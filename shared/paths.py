"""Joint sample paths from marginal quantile forecasts.

Each bucket's quantile function is read at `paths` equally spaced probabilities, and the values are dealt to the paths
in the rank order of a one-factor Gaussian copula. So every bucket keeps its marginal exactly, however few paths there
are, and only the dependence between buckets is random.

Sources: Gaussian copula, Nelsen (2006), An Introduction to Copulas; reordering by ranks, Clark et al. (2004), The
Schaake shuffle; stratified margins with dependence, Stein (1987), Latin hypercube sampling.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

type Floats = NDArray[np.float64]

BLOCK_CELLS = 200_000  # working memory stays inside a processor cache, whatever the number of series
MANTISSA = 23  # bits of a float32
LARGEST_SCORE = 7.9


@dataclass(frozen=True)
class Factor:
    """Normal scores [N, T, S] of N nodes, of which each series takes those of its `node` [n] with variance `share`."""

    share: float
    node: NDArray[np.integer]
    scores: NDArray[np.float32]

    def of(self, rows: slice | NDArray[np.integer]) -> "Factor":
        return Factor(self.share, self.node[rows], self.scores)


def sample(
    levels: Floats,
    grid: Floats,
    mean: Floats,
    *,
    rho: Floats | float,
    seeds: NDArray[np.uint64],
    paths: int = 200,
    factors: Sequence[Factor] = (),
) -> NDArray[np.float32]:
    """Draw joint paths [n, paths, T] in the unit of `grid`, all >= 0.

    levels [K]: probabilities inside (0, 1), ascending. grid [n, T, K]: the quantiles there; crossed ones are sorted.
    mean [n, T]: each bucket's paths are scaled to this mean, which keeps their order; a bucket whose quantiles are all
    zero stays zero. rho (scalar or [n]): correlation 0..1 of two buckets' normal scores. seeds [n]: one per series; a
    series' paths depend on its own row alone, and a longer horizon leaves its earlier ranks as they are. factors: what
    series have in common, so that sums of them spread as they should; their shares add up to 1 at most.

    Between the levels, and beyond the outermost two on either side, quantiles are linear in the normal score: a normal
    marginal is reproduced exactly, and the tails end at the outermost of `paths` strata. A bucket whose quantiles all
    equal its mean gives exactly that mean.
    """
    n, periods, _ = grid.shape
    scores = _strata(paths)
    weights = _weights(levels, scores)
    shares = np.broadcast_to(np.asarray(rho, dtype=np.float64), n)
    drawn = np.empty((n, periods, paths), dtype=np.float32)
    step = max(1, BLOCK_CELLS // max(1, periods * paths))
    for start in range(0, n, step):
        rows = slice(start, start + step)
        values = _marginals(grid[rows], mean[rows], weights)
        normal = _scores(shares[rows], seeds[rows], scores, periods)
        if factors:
            _add(normal, [factor.of(rows) for factor in factors])
        _deal(drawn[rows], normal, values)
    return drawn.swapaxes(1, 2)


def margins(levels: Floats, grid: Floats, mean: Floats, *, paths: int = 200) -> NDArray[np.float32]:
    """[n, T, paths] the values that `sample` deals to the paths of each bucket, ascending."""
    return _marginals(grid, mean, _weights(levels, _strata(paths)))


def node_scores(seeds: NDArray[np.uint64], *, rho: float, periods: int, paths: int = 200) -> NDArray[np.float32]:
    """Normal scores [N, T, S] for the nodes of a `Factor`: strata in each period, two periods correlated by `rho`."""
    scores = _strata(paths)
    drawn = np.empty((len(seeds), periods, paths), dtype=np.float32)
    normal = _scores(np.full(len(seeds), rho), seeds, scores, periods)
    _deal(drawn, normal, np.broadcast_to(scores.astype(np.float32), drawn.shape))
    return drawn


def series_seeds(keys: Iterable[str], seed: int = 0) -> NDArray[np.uint64]:
    """One seed per key: the same for the same key and `seed` on any machine, whatever stands beside it."""
    salt = seed.to_bytes(16, "big", signed=True)
    digests = (blake2b(key.encode(), digest_size=8, salt=salt).digest() for key in keys)
    return np.frombuffer(b"".join(digests), dtype=">u8").astype(np.uint64)


def _strata(paths: int) -> Floats:
    """Normal scores of equally spaced probabilities, ascending."""
    scores: Floats = ndtri((np.arange(paths) + 0.5) / paths)
    return scores


def _weights(levels: Floats, scores: Floats) -> Floats:
    """[K, S] matrix that turns quantiles at `levels` into quantiles at the normal `scores`; columns add up to 1."""
    weights = np.zeros((len(levels), len(scores)))
    if len(levels) == 1:
        return weights + 1
    knots = ndtri(levels)
    left = np.clip(np.searchsorted(knots, scores) - 1, 0, len(knots) - 2)
    share = (scores - knots[left]) / (knots[left + 1] - knots[left])
    columns = np.arange(len(scores))
    weights[left, columns] = 1 - share
    weights[left + 1, columns] = share
    return weights


def _marginals(grid: Floats, mean: Floats, weights: Floats) -> NDArray[np.float32]:
    """[n, T, S] ascending values of each bucket, their average scaled to `mean`."""
    ranked = grid if np.all(grid[:, :, 1:] >= grid[:, :, :-1]) else np.sort(grid, axis=2)
    values = ranked @ weights
    np.maximum(values, 0, out=values)
    average = values.mean(axis=2)
    ratio = np.divide(mean, average, out=np.ones_like(average), where=average > 0)
    values *= ratio[:, :, None]
    certain = (ranked[:, :, 0] == mean) & (ranked[:, :, -1] == mean)
    values[certain] = mean[certain, None]
    return values.astype(np.float32)


def _scores(rho: Floats, seeds: NDArray[np.uint64], scores: Floats, periods: int) -> NDArray[np.float32]:
    """[n, T, S] normal scores of each path, those of one series correlated."""
    normal = np.empty((len(seeds), periods, len(scores)), dtype=np.float32)
    shared = np.empty((len(seeds), 1, len(scores)))
    for row, seed in enumerate(seeds):
        random = np.random.Generator(np.random.SFC64(int(seed)))
        shared[row, 0] = random.permutation(scores)
        random.standard_normal(out=normal[row], dtype=np.float32)
    normal *= np.sqrt(1 - rho).astype(np.float32)[:, None, None]
    normal += (shared * np.sqrt(rho)[:, None, None]).astype(np.float32)
    return normal


def _deal(drawn: NDArray[np.float32], normal: NDArray[np.float32], values: NDArray[np.float32]) -> None:
    """Write the ascending values [n, T, S] into drawn [n, T, S] in the rank order of the scores `normal`.

    Sorts whole numbers that hold a score to 2**-19 and, below it, its path: quicker than sorting indices.
    """
    paths = normal.shape[2]
    bits = max(1, (paths - 1).bit_length())
    whole = np.dtype(np.uint32 if bits <= 32 - MANTISSA else np.uint64)
    sixteen_on = np.clip(normal, -LARGEST_SCORE, LARGEST_SCORE) + np.float32(24)  # one exponent: all inside [16, 32)
    mantissas = (sixteen_on.view(np.uint32) & np.uint32(2**MANTISSA - 1)).astype(whole, copy=False)
    keys: NDArray[Any] = np.left_shift(mantissas, np.asarray(bits, dtype=whole))
    keys |= np.arange(paths, dtype=whole)
    keys.sort(axis=2)
    starts = np.arange(0, normal.size, paths).reshape(*normal.shape[:2], 1)
    drawn.reshape(-1)[np.bitwise_and(keys, np.asarray(2**bits - 1, dtype=whole)).astype(np.intp) + starts] = values


def _add(normal: NDArray[np.float32], factors: Sequence[Factor]) -> None:
    """Take the factors into the scores [n, T, S], whose own part shrinks by as much."""
    own = 1 - sum(factor.share for factor in factors)
    normal *= np.float32(np.sqrt(max(own, 0)))
    for factor in factors:
        normal += np.float32(np.sqrt(factor.share)) * factor.scores[factor.node]
