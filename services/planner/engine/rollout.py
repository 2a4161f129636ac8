"""Roll stock forward on every path under an ordering policy, bucket by bucket."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from services.planner.engine.inputs import Bools, Floats, Supply
from services.planner.engine.levels import scheduled_ahead

type Policy = Callable[[int, Floats], Floats]
"""(bucket, inventory position [n, S]) -> order quantity [n, S]; used in the rows that are under review."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bucket on n item-locations x S paths, in units; all [n, S]."""

    demand: np.ndarray
    received: Floats  # of orders released by the policy
    released: Floats
    stock: Floats  # at the end
    backlog: Floats  # at the end; 0 where sales are lost
    short: Floats  # demand of this bucket not served in it


def roll(supply: Supply, paths: np.ndarray, policy: Policy | None = None) -> Iterator[Bucket]:
    """Yield the buckets of paths [n, S, T]; without a policy only scheduled receipts arrive.

    In each bucket: receipts, then review and release in buckets fence, fence + review, ... that are not closed, where a
    lead time of 0 arrives at once, then demand. Balance: end - start = receipts - demand (+ lost sales). The inventory
    position is stock - backlog + released and not yet received + scheduled receipts due before the following delivery.
    """
    n, count, periods = paths.shape
    rows = np.arange(n)
    waits = supply.backlog[:, None]
    state = np.repeat(supply.on_hand[:, None], count, axis=1).astype(np.float64)
    incoming = np.zeros((periods, n, count))
    pipeline = np.zeros((n, count))
    scheduled = scheduled_ahead(supply.receipts, supply.lead_time + supply.review)
    for t in range(periods):
        pipeline -= incoming[t]
        released = np.zeros((n, count))
        due = _under_review(supply, t)
        if policy is not None and np.any(due):
            position = state + incoming[t] + pipeline + scheduled[:, t, None]
            released = np.where(due[:, None], policy(t, position), 0.0)
            lands = t + supply.lead_time
            inside = lands < periods
            incoming[lands[inside], rows[inside]] += released[inside]
            pipeline += np.where(supply.lead_time[:, None] > 0, released, 0.0)
        demand = paths[:, :, t]
        end = state + incoming[t] + supply.receipts[:, t, None] - demand
        stock, missing = np.maximum(end, 0), np.maximum(-end, 0)
        yield Bucket(
            demand=demand,
            received=incoming[t],
            released=released,
            stock=stock,
            backlog=np.where(waits, missing, 0.0),
            short=np.minimum(missing, demand),
        )
        state = np.where(waits, end, stock)


def _under_review(supply: Supply, t: int) -> Bools:
    since = t - supply.fence
    return np.asarray((since >= 0) & (since % supply.review == 0) & ~supply.closed[:, t])
