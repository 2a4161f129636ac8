"""Reorder points and order-up-to levels for the releases after the first: the projected part of a plan."""

from dataclasses import dataclass

import numpy as np

from services.planner.engine.inputs import Floats, Ints, Supply


@dataclass(frozen=True, slots=True)
class Levels:
    """What a release in bucket t is measured against: [n, T] units of inventory position."""

    safety_stock: Floats
    reorder_point: Floats  # expected demand until the following delivery + safety stock
    order_up_to: Floats  # + expected demand of the further reviews that one order lasts


def levels(supply: Supply, mean: Floats, paths: np.ndarray, reviews: Ints) -> Levels:
    """Levels per release bucket from mean [n, T], paths [n, S, T] and the reviews [n] that one order lasts.

    Demand beyond the horizon is taken as the average of its last lead time and review period, so that a plan does not
    run its stock down towards the end.
    """
    span = supply.lead_time + supply.review
    longer = span + (reviews - 1) * supply.review
    safety = safety_stock(supply, paths)
    return Levels(safety, _ahead(mean, span, span) + safety, _ahead(mean, longer, span) + safety)


def with_safety(base: Levels, factor: Floats) -> Levels:
    """The same levels with the safety stock times factor [n]."""
    change = base.safety_stock * (factor[:, None] - 1)
    return Levels(base.safety_stock + change, base.reorder_point + change, base.order_up_to + change)


def safety_stock(supply: Supply, paths: np.ndarray) -> Floats:
    """[n, T] critical fractile of demand over lead time + review from each release bucket, less its mean.

    From the paths' sums, never from sums of quantiles. Buckets whose interval leaves the horizon keep the last value.
    """
    n, count, periods = paths.shape
    rows = np.arange(n)
    span = supply.lead_time + supply.review
    index = np.clip(np.ceil(supply.fractile * count - 1e-9).astype(np.int64) - 1, 0, count - 1)
    sums = np.zeros((periods + 1, n, count))
    for t in range(periods):
        sums[t + 1] = sums[t] + paths[:, :, t]
    safety = np.empty((n, periods))
    for t in range(periods):
        fits = t + span <= periods
        total = sums[np.minimum(t + span, periods), rows] - sums[t]
        held = np.sort(total, axis=1)[rows, index] - total.mean(axis=1)
        safety[:, t] = np.where(fits, held, safety[:, t - 1])
    return safety


def scheduled_ahead(receipts: Floats, span: Ints) -> Floats:
    """[n, T] scheduled receipts [n, T] due in the `span` [n] buckets from each bucket on, inside the horizon."""
    return _window_sums(np.concatenate([receipts, np.zeros_like(receipts)], axis=1), span)


def _ahead(mean: Floats, length: Ints, tail: Ints) -> Floats:
    """[n, T] mean demand of `length` buckets from each bucket on; beyond the horizon the average of the last `tail`."""
    periods = mean.shape[1]
    last = np.arange(periods) >= periods - tail[:, None]
    average = np.sum(mean * last, axis=1) / tail
    return _window_sums(np.concatenate([mean, np.repeat(average[:, None], periods, axis=1)], axis=1), length)


def _window_sums(values: Floats, length: Ints) -> Floats:
    """[n, T] sums over [t, t + length) of values [n, 2T]; a length over T counts as T."""
    periods = values.shape[1] // 2
    sums = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)
    starts = np.arange(periods)
    ends = starts + np.minimum(length, periods)[:, None]
    return np.asarray(np.take_along_axis(sums, ends, axis=1) - sums[:, :periods])
