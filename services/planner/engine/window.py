"""What a first order is worth on each path, from its arrival until it would have to be followed.

Up to the arrival nothing can be changed, so every path is rolled there with what is on hand and on order. From there a
path is reduced to thresholds: bucket w ends with stock if the order exceeds threshold w, and short otherwise. Lost
sales and backlog differ only in the thresholds, and expected cost is a sum of newsvendor terms over them.
"""

from dataclasses import dataclass, fields

import numpy as np

from services.planner.engine import lots
from services.planner.engine.inputs import Bools, Floats, Ints, Supply


@dataclass(frozen=True, slots=True)
class Window:
    """W buckets from the arrival of the first order, on n item-locations x S paths; V = the longest review period."""

    projected: np.ndarray  # [n, S] on hand at the start of the arrival bucket, less backlog, before its receipts
    thresholds: np.ndarray  # [n, S, W] order quantity at which bucket w ends with exactly nothing
    average: Floats  # [n, W] mean of the thresholds
    demand: np.ndarray  # [n, S, V] units
    scale: Floats  # [n] units against which rounding error is judged
    near: Bools  # [n, W] buckets before the next review's order can arrive
    inside: Bools  # [n, W] buckets that the order is meant to cover
    lingering: Floats  # [n] review periods that a unit left over stays

    def rows(self, index: Ints) -> "Window":
        """The same of some rows."""
        return type(self)(**{field.name: getattr(self, field.name)[index] for field in fields(self)})

    def holding(self, supply: Supply) -> Floats:
        """[n, W] money per unit left at the end of each covered bucket.

        What is left of the first review lingers, and pays for that at once.
        """
        longer = (self.near & self.inside) * (self.lingering - 1)[:, None]
        return (self.inside + longer) * supply.holding_cost[:, None]

    def penalty(self, supply: Supply, buckets: Bools) -> Floats:
        """[n, W] money per unit that the order falls short of the threshold.

        Backlog is paid for in each of `buckets` [n, W], a lost unit once: thresholds of lost sales never fall, so the
        last of the buckets counts all the units lost in them.
        """
        last = buckets & ~np.pad(buckets[:, 1:], ((0, 0), (0, 1)))
        return np.where(supply.backlog[:, None], buckets, last) * supply.penalty[:, None]


def open_window(supply: Supply, paths: np.ndarray, reviews: Ints, late: Floats | None = None) -> Window:
    """Roll paths [n, S, T] to the arrival and lay out the `reviews` [n] review periods after it.

    late [n, S]: buckets by which the delivery that follows comes later than planned: the order has to last so long.

    Buckets after the first review period take the mean demand of the paths: their spread can still be answered at the
    next review, so a first order does not insure against it.
    """
    n, count, periods = paths.shape
    rows = np.arange(n)
    length = reviews * supply.review
    steps = np.arange(int(length.max(initial=1)))
    near, inside = steps < supply.review[:, None], steps < length[:, None]
    projected = _roll_to(supply.arrival, supply, paths)
    thresholds = np.empty((len(steps), n, count), dtype=projected.dtype)
    demand = np.empty((int(supply.review.max(initial=1)), n, count), dtype=projected.dtype)
    scale = np.abs(projected).mean(axis=1, dtype=np.float64)
    level = -projected if late is None else (late * _rate(supply, paths)[:, None]).astype(projected.dtype) - projected
    highest: np.ndarray = np.full_like(level, -np.inf)
    for step in steps:
        bucket = np.minimum(supply.arrival + step, periods - 1)
        drawn = paths[:, :, bucket[0]] if np.all(bucket == bucket[0]) else paths[rows, :, bucket]
        average = drawn.mean(axis=1, dtype=np.float64)
        scale += average * inside[:, step]
        if not np.all(near[:, step]):
            drawn = np.where(near[:, step, None], drawn, average[:, None].astype(drawn.dtype))
        level = level + (drawn - supply.receipts[rows, bucket, None].astype(level.dtype))
        highest = np.maximum(highest, level)
        if step < len(demand):
            demand[step] = drawn
        thresholds[step] = level if np.all(supply.backlog) else np.where(supply.backlog[:, None], level, highest)
    return Window(
        projected=projected,
        thresholds=thresholds.transpose(1, 2, 0),
        average=thresholds.mean(axis=2, dtype=np.float64).T,
        demand=demand.transpose(1, 2, 0),
        scale=scale,
        near=near,
        inside=inside,
        lingering=np.ones(n),
    )


def _rate(supply: Supply, paths: np.ndarray) -> Floats:
    """[n] mean demand of a bucket from the first release until the delivery that follows."""
    buckets = np.arange(paths.shape[2])
    inside = (buckets >= supply.fence[:, None]) & (buckets < (supply.arrival + supply.review)[:, None])
    return np.asarray(np.mean(paths.mean(axis=1, dtype=np.float64), axis=1, where=inside))


def leftover(window: Window, quantity: Floats) -> Floats:
    """[n, W] mean over paths of what is left of the order quantity [n] beyond each threshold."""
    kind = window.thresholds.dtype
    ordered, none = quantity[:, None].astype(kind), np.zeros(window.projected.shape, dtype=kind)
    left = np.empty_like(window.average)
    for step in range(left.shape[1]):
        over = ordered - window.thresholds[:, :, step]
        left[:, step] = np.maximum(over, none, out=over).mean(axis=1, dtype=np.float64)
    return left


def shortfall(window: Window, quantity: Floats, left: Floats) -> Floats:
    """[n, W] mean over paths of what the order quantity [n], of which `left` is left, lacks to each threshold."""
    return left - quantity[:, None] + window.average


def unserved(supply: Supply, window: Window, quantity: Floats) -> np.ndarray:
    """[n, S] demand not served in its bucket before the next review's order can arrive."""
    kind = window.thresholds.dtype
    short = np.zeros(window.projected.shape, dtype=kind)
    none, ordered = np.zeros_like(short), quantity[:, None].astype(kind)
    waits = supply.backlog[:, None]
    before = none
    for step in range(window.demand.shape[2]):
        missing = np.maximum(window.thresholds[:, :, step] - ordered, none)
        unmet = np.where(waits, np.minimum(missing, window.demand[:, :, step]), missing - before)
        short += unmet * window.near[:, step, None]
        before = missing
    return short


def cheapest_lots(window: Window, over: Floats, under: Floats, multiple: Floats) -> Ints:
    """[n] smallest number of lots that the cheapest quantity of leftover and shortfall does not exceed; >= 0.

    The cost is convex and piecewise linear with kinks at the thresholds: it falls until the weights of the thresholds
    passed outweigh the sum of `under`. Bisection finds the lot in which they do.
    """
    count = window.thresholds.shape[1]
    steps = np.flatnonzero(np.any((over + under) > 0, axis=0))
    goal = count * summed(under) * (1 - 1e-9)
    most = window.thresholds.max(axis=(1, 2)).astype(np.float64)
    low, high = np.full(len(goal), -1), np.maximum(np.ceil(most / multiple), 0).astype(np.int64)
    while np.any(high - low > 1):
        middle = (low + high) // 2
        quantity = (middle * multiple + lots.SLACK * window.scale)[:, None].astype(window.thresholds.dtype)
        passed = np.zeros(len(goal))
        for step in steps:
            covered = np.count_nonzero(window.thresholds[:, :, step] <= quantity, axis=1)
            passed += (over + under)[:, step] * covered
        enough = passed >= goal
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return high


def summed(values: Floats) -> Floats:
    """Sums along the last axis, one after the other: buckets of 0 that a block's longest window adds change no bit."""
    return np.asarray(np.cumsum(values, axis=-1)[..., -1])


def _roll_to(bucket: Ints, supply: Supply, paths: np.ndarray) -> np.ndarray:
    """[n, S] stock less backlog at the start of each row's `bucket`, before its receipts and with no new order."""
    kind = np.result_type(paths, np.float32)
    state = np.repeat(supply.on_hand[:, None], paths.shape[1], axis=1).astype(kind)
    floor = np.where(supply.backlog, -np.inf, 0.0)[:, None].astype(kind)
    reached = state
    for t in range(int(bucket.max(initial=0))):
        state = np.maximum(state + (supply.receipts[:, t, None].astype(kind) - paths[:, :, t]), floor)
        here = bucket == t + 1
        reached = state if np.all(here) else np.where(here[:, None], state, reached)
    return reached
