"""Roll stock forward on every path under an ordering policy, bucket by bucket."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from services.planner.engine.inputs import Bools, Ints, Supply
from services.planner.engine.levels import scheduled_ahead
from services.planner.engine.shelf import Shelf

type Policy = Callable[[int, np.ndarray], np.ndarray]
"""(bucket, inventory position [n, S]) -> order quantity [n, S]; used in the rows that are under review."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bucket on n item-locations x S paths, in units and as precise as the paths are; all [n, S]."""

    demand: np.ndarray
    received: np.ndarray  # of orders released by the policy
    released: np.ndarray
    stock: np.ndarray  # at the end
    net: np.ndarray  # stock less backlog at the end
    unmet: np.ndarray  # what the shortage cost is paid for: the backlog at the end, or the sales lost
    wasted: np.ndarray  # thrown away at the end, past its shelf life

    @property
    def backlog(self) -> np.ndarray:
        """At the end; 0 where sales are lost."""
        return np.asarray(self.stock - self.net)

    @property
    def short(self) -> np.ndarray:
        """Demand of this bucket not served in it."""
        return np.asarray(np.minimum(self.unmet, self.demand))


def roll(supply: Supply, paths: np.ndarray, policy: Policy | None = None) -> Iterator[Bucket]:
    """Yield the buckets of paths [n, S, T]; without a policy only scheduled receipts arrive.

    In each bucket: receipts, then review and release in buckets fence, fence + review, ... that are not closed, where a
    lead time of 0 arrives at once, then demand; what cannot be used any more is thrown away at the end. Balance: end -
    start = receipts - demand (+ lost sales) - waste. The inventory position is stock - backlog + released and not yet
    received + scheduled receipts due before the following delivery.
    """
    n, count, periods = paths.shape
    kind = np.result_type(paths, np.float32)
    nothing = np.zeros((n, count), dtype=kind)
    state = np.repeat(supply.on_hand[:, None], count, axis=1).astype(kind)
    incoming = [nothing] * periods
    pipeline = nothing
    receipts = supply.receipts.astype(kind)
    scheduled = scheduled_ahead(supply.receipts, supply.lead_time + supply.review).astype(kind)
    shelf = Shelf(supply.shelf_life, count, periods)
    for t in range(periods):
        released = nothing
        due = _under_review(supply, t)
        if policy is not None and np.any(due):
            released = _in_rows(due, policy(t, state + pipeline + scheduled[:, t, None]), nothing)
            _ship(incoming, supply.lead_time, t, released)
            pipeline = pipeline + released
        pipeline = pipeline - incoming[t]
        demand = paths[:, :, t]
        end = state + incoming[t] + receipts[:, t, None] - demand
        stock = np.maximum(end, nothing)
        unmet, wasted = stock - end, nothing
        if len(shelf.rows):
            wasted = _expired(shelf, t, incoming[t] + receipts[:, t, None], stock)
            stock, end = stock - wasted, end - wasted
        state = _in_rows(supply.backlog, end, stock)
        yield Bucket(demand, incoming[t], released, stock, state, unmet, wasted)


def _under_review(supply: Supply, t: int) -> Bools:
    since = t - supply.fence
    return np.asarray((since >= 0) & (since % supply.review == 0) & ~supply.closed[:, t])


def _in_rows(rows: Bools, values: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Take values [n, S] in `rows` [n] and `others` elsewhere; most blocks need no choice."""
    if np.all(rows):
        return values
    return np.where(rows[:, None], values, others) if np.any(rows) else others


def _expired(shelf: Shelf, t: int, came: np.ndarray, stock: np.ndarray) -> np.ndarray:
    """[n, S] what is thrown away of the stock at the end of t."""
    wasted = np.zeros_like(stock)
    wasted[shelf.rows] = shelf.expired(t, came[shelf.rows], stock[shelf.rows])
    return wasted


def _ship(incoming: list[np.ndarray], lead_time: Ints, t: int, released: np.ndarray) -> None:
    """Let what is released in bucket t arrive by its rows' lead times."""
    for lead in np.unique(lead_time):
        if t + lead < len(incoming):
            incoming[t + lead] = _in_rows(lead_time == lead, released, incoming[t + lead])
