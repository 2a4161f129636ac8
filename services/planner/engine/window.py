"""What a first order is worth on each path, from its arrival until it would have to be followed.

Up to the arrival nothing can be changed, so every path is rolled there with what is on hand and on order. From there a
path is reduced to thresholds: bucket w ends with stock if the order exceeds threshold w, and short otherwise. Lost
sales and backlog differ only in the thresholds, and expected cost is a sum of newsvendor terms over them.
"""

from dataclasses import dataclass

import numpy as np

from services.planner.engine.inputs import Bools, Floats, Ints, Supply


@dataclass(frozen=True, slots=True)
class Window:
    """W buckets from the arrival of the first order, on n item-locations x S paths."""

    projected: Floats  # [n, S] on hand at the start of the arrival bucket, less backlog, before its receipts
    thresholds: Floats  # [n, S, W] order quantity at which bucket w ends with exactly nothing
    demand: Floats  # [n, S, W] units
    near: Bools  # [n, W] buckets before the next review's order can arrive
    inside: Bools  # [n, W] buckets that the order is meant to cover

    def holding(self, supply: Supply) -> Floats:
        """[n, W] money per unit left at the end of each covered bucket."""
        return self.inside * supply.holding_cost[:, None]

    def penalty(self, supply: Supply, buckets: Bools) -> Floats:
        """[n, W] money per unit that the order falls short of the threshold.

        Backlog is paid for in each of `buckets` [n, W], a lost unit once: thresholds of lost sales never fall, so the
        last of the buckets counts all the units lost in them.
        """
        last = buckets & ~np.pad(buckets[:, 1:], ((0, 0), (0, 1)))
        return np.where(supply.backlog[:, None], buckets, last) * supply.penalty[:, None]


def open_window(supply: Supply, paths: np.ndarray, reviews: Ints) -> Window:
    """Roll paths [n, S, T] to the arrival and lay out the `reviews` [n] review periods after it.

    Buckets after the first review period take the mean demand of the paths: their spread can still be answered at the
    next review, so a first order does not insure against it.
    """
    n, count, periods = paths.shape
    rows = np.arange(n)
    length = reviews * supply.review
    steps = np.arange(int(length.max(initial=1)))
    near = steps < supply.review[:, None]
    projected = _roll_to(supply.arrival, supply, paths)
    thresholds = np.empty((n, count, len(steps)))
    demand = np.empty_like(thresholds)
    level = -projected
    highest = np.full((n, count), -np.inf)
    for step in steps:
        bucket = np.minimum(supply.arrival + step, periods - 1)
        drawn = paths[rows, :, bucket].astype(np.float64)
        drawn = np.where(near[:, step, None], drawn, drawn.mean(axis=1, keepdims=True))
        level = level + drawn - supply.receipts[rows, bucket, None]
        highest = np.maximum(highest, level)
        demand[:, :, step] = drawn
        thresholds[:, :, step] = np.where(supply.backlog[:, None], level, highest)
    return Window(projected, thresholds, demand, near, steps < length[:, None])


def leftover_cost(window: Window, over: Floats, quantity: Floats) -> Floats:
    """[n] mean over paths of over [n, W] x what is left of the order quantity [n] beyond each threshold."""
    return _mean_cost(window, over, quantity, sign=1)


def shortfall_cost(window: Window, under: Floats, quantity: Floats) -> Floats:
    """[n] mean over paths of under [n, W] x what the order quantity [n] lacks to each threshold."""
    return _mean_cost(window, under, quantity, sign=-1)


def cheapest_quantity(window: Window, over: Floats, under: Floats) -> Floats:
    """[n] smallest real number, negative ones included, that minimises leftover_cost + shortfall_cost.

    The cost is convex and piecewise linear with kinks at the thresholds, so its minimum is a weighted quantile of
    them: the first at which the weights passed outweigh the sum of `under`.
    """
    n, count, steps = window.thresholds.shape
    weights = np.broadcast_to((over + under)[:, None, :], window.thresholds.shape).reshape(n, count * steps)
    points = window.thresholds.reshape(n, count * steps)
    order = np.argsort(points, axis=1)
    passed = np.cumsum(np.take_along_axis(weights, order, axis=1), axis=1)
    goal = count * summed(under)[:, None] - 1e-9 * passed[:, -1:]
    first = np.argmax((passed >= goal) & (passed > 0), axis=1)
    return np.take_along_axis(points, np.take_along_axis(order, first[:, None], axis=1), axis=1)[:, 0]


def summed(values: Floats) -> Floats:
    """Sums along the last axis, one after the other: buckets of 0 that a block's longest window adds change no bit."""
    return np.asarray(np.cumsum(values, axis=-1)[..., -1])


def _mean_cost(window: Window, weights: Floats, quantity: Floats, sign: int) -> Floats:
    total = np.zeros(len(quantity))
    for step in range(weights.shape[1]):
        gap = sign * (quantity[:, None] - window.thresholds[:, :, step])
        total += weights[:, step] * np.maximum(gap, 0).mean(axis=1)
    return total


def _roll_to(bucket: Ints, supply: Supply, paths: np.ndarray) -> Floats:
    """[n, S] stock less backlog at the start of each row's `bucket`, before its receipts and with no new order."""
    state = np.repeat(supply.on_hand[:, None], paths.shape[1], axis=1).astype(np.float64)
    reached = state.copy()
    for t in range(int(bucket.max(initial=0))):
        state += supply.receipts[:, t, None] - paths[:, :, t]
        state = np.where(supply.backlog[:, None], state, np.maximum(state, 0))
        here = bucket == t + 1
        reached[here] = state[here]
    return reached
