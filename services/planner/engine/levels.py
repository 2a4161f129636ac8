"""Reorder points and order-up-to levels for the releases after the first: the projected part of a plan."""

from dataclasses import dataclass

import numpy as np

from services.planner.engine.cover import beyond
from services.planner.engine.inputs import Floats, Ints, Supply


@dataclass(frozen=True, slots=True)
class Levels:
    """What a release in bucket t is measured against: [n, T] units of inventory position."""

    safety_stock: Floats
    reorder_point: Floats  # expected demand until the following delivery + safety stock
    order_up_to: Floats  # + expected demand of the further reviews that one order lasts


def levels(supply: Supply, mean: Floats, paths: np.ndarray, reviews: Ints, late: Floats | None = None) -> Levels:
    """Levels per release bucket from mean [n, T], paths [n, S, T] and the reviews [n, T] that an order lasts.

    late [n, S]: buckets by which a delivery comes late on a path.
    """
    span = supply.lead_time + supply.review
    further = np.concatenate([mean, beyond(mean, span)], axis=1)
    longer = span[:, None] + (reviews - 1) * supply.review[:, None]
    safety = safety_stock(supply, paths, late)
    return Levels(safety, _window_sums(further, span[:, None]) + safety, _window_sums(further, longer) + safety)


def with_safety(base: Levels, factor: Floats) -> Levels:
    """The same levels with the safety stock times factor [n]."""
    change = base.safety_stock * (factor[:, None] - 1)
    return Levels(base.safety_stock + change, base.reorder_point + change, base.order_up_to + change)


def safety_stock(supply: Supply, paths: np.ndarray, late: Floats | None = None) -> Floats:
    """[n, T] critical fractile of demand over lead time + review from each release bucket, less its mean.

    From the paths' sums, never from sums of quantiles. With a fill rate as the target it is what leaves as much of the
    demand between deliveries unserved as the target allows. A late delivery adds the mean demand until it comes.
    Buckets whose interval leaves the horizon keep the last value.
    """
    n, count, periods = paths.shape
    span = supply.lead_time + supply.review
    index = np.clip(np.ceil(supply.fractile * count - 1e-9).astype(np.int64) - 1, 0, count - 1)
    sums = np.zeros((periods + 1, n, count), dtype=np.result_type(paths, np.float32))
    for t in range(periods):
        drawn = paths[:, :, t]
        np.add(sums[t], drawn - drawn.mean(axis=1, keepdims=True), out=sums[t + 1])
    rows = np.arange(n)
    safety, filled = np.zeros((n, periods)), np.isfinite(supply.fill_target)
    means = paths.mean(axis=1, dtype=np.float64)
    known = np.pad(np.cumsum(means, axis=1), ((0, 0), (1, 0)))
    for t in range(periods - int(span.min(initial=1)) + 1):
        fits = t + span <= periods
        ends = np.minimum(t + span, periods)
        total = (sums[ends[0]] if np.all(ends == ends[0]) else sums[ends, rows]) - sums[t]
        if late is not None:
            total = total + (late * means[:, t, None]).astype(total.dtype)
        ordered = np.sort(total, axis=1)
        level = ordered[rows, index].astype(np.float64)
        if np.any(filled):
            delivered = np.minimum(t + supply.lead_time, periods)
            wanted = (known[rows, ends] - known[rows, delivered])[filled]
            level[filled] = _for_fill(ordered[filled].astype(np.float64), (1 - supply.fill_target[filled]) * wanted)
        safety[:, t] = np.where(fits, level, 0.0)
    last = np.minimum(np.arange(periods), periods - span[:, None])
    return np.take_along_axis(safety, last, axis=1)


def _for_fill(ordered: Floats, allowed: Floats) -> Floats:
    """[n] the level that values [n, S], ascending, exceed by `allowed` [n] on average, the highest value at most."""
    count = ordered.shape[1]
    above = np.cumsum(ordered[:, ::-1], axis=1)[:, ::-1] - ordered  # sum of those higher
    higher = np.arange(count)[::-1]
    excess = (above - higher * ordered) / count  # at each value, falling to 0
    place = np.argmax(excess <= allowed[:, None], axis=1)
    rows = np.arange(len(ordered))
    beyond = allowed - excess[rows, place]
    slope = (higher[place] + 1) / count  # of the stretch below that value
    return np.asarray(ordered[rows, place] - np.where(place > 0, beyond / slope, 0.0))


def scheduled_ahead(receipts: Floats, span: Ints) -> Floats:
    """[n, T] scheduled receipts [n, T] due in the `span` [n] buckets from each bucket on, inside the horizon."""
    return _window_sums(np.concatenate([receipts, np.zeros_like(receipts)], axis=1), span[:, None])


def _window_sums(values: Floats, length: Ints) -> Floats:
    """[n, T] sums over [t, t + length) of values [n, 2T]; length [n, 1] or [n, T], over T it counts as T."""
    periods = values.shape[1] // 2
    sums = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)
    starts = np.arange(periods)
    ends = starts + np.minimum(length, periods)
    return np.asarray(np.take_along_axis(sums, ends, axis=1) - sums[:, :periods])
