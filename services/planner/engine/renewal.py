"""The first order where orders cost money: an (s, S) policy on the sample paths, from one order to the next.

An order is placed where the level, counted from what is there at its arrival without it, is at s or below, up to S: the
pair of least expected cost a review in the long run, as if reviews went on as the first one. Source: Zheng and
Federgruen (1991), Finding optimal (s, S) policies is about as simple as evaluating a single policy.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from services.planner.engine import lots
from services.planner.engine.inputs import Bools, Floats, Ints, Supply
from services.planner.engine.window import Window

CELLS = 128  # levels that are told apart
EVEN = 1.25  # ratio up to which later demand is like that of the first review
HALVINGS = 40


@dataclass(frozen=True, slots=True)
class Renewal:
    """Of the rows that it holds for; levels are units that an order would bring, in steps from `low`."""

    rows: Ints  # [m] of the window
    low: Floats  # [m]
    step: Floats  # [m]
    cost: Floats  # [m] least long-run cost a review
    now: Floats  # [m] cost of the first review without an order
    reorder: Ints  # [m] cell of s
    value: Floats  # [m, CELLS + 1] relative cost from each level on, 0 at S
    quantity: Floats  # [m] units to order, 0 for none

    @classmethod
    def of(cls, supply: Supply, window: Window, mean: Floats) -> Self | None:
        """The policy of each row with an ordering cost and even demand, mean [n, T] units; None where there is none."""
        rows = np.flatnonzero(_renewing(supply, mean))
        if not len(rows):
            return None
        part, near = supply.rows(rows), window.rows(rows)
        over, under = near.near * part.holding_cost[:, None], near.penalty(part, near.near)
        low, step = _range(part, near, over, under)
        levels = low[:, None] + step[:, None] * np.arange(CELLS + 1)
        expected = _expected(near, over, under, low, step, levels)
        chance = _chances(near, step)
        reorder, up_to, cost = _best(expected, chance, part, step)
        value = _values(expected, chance, reorder, up_to, cost, part.ordering)
        wanted = levels[np.arange(len(rows)), up_to]
        triggered = levels[np.arange(len(rows)), reorder] >= -lots.SLACK * near.scale
        quantity = np.where(triggered, lots.round_up(wanted, part), 0.0)
        found = cls(rows, low, step, cost, _at_none(near, over, under), reorder, value, quantity)
        return replace(found, quantity=np.where(found.worth(quantity) > 0, quantity, 0.0))  # a minimum may be too much

    def worth(self, quantity: Floats) -> Floats:
        """[m] what ordering quantity [m] now saves against ordering at the next review."""
        cell = np.clip((quantity - self.low) / self.step, 0, None)
        whole = np.minimum(cell.astype(np.int64), CELLS - 1)
        number = np.arange(len(quantity))
        before, after = self.value[number, whole], self.value[number, whole + 1]
        value = before + (cell - whole) * (after - before)
        return np.where(quantity > 0, self.now - self.cost - value, 0.0)


def _renewing(supply: Supply, mean: Floats) -> Bools:
    """[n] rows by cost, with a cost of ordering that does not change, whose demand goes on as in the first review.

    With lost sales and a lead time a review does not begin with what the one before left less its demand: no policy of
    levels is the best there, and on real demand this one was dearer than the rule of `order`.
    """
    buckets = np.arange(mean.shape[1])
    first = (buckets >= supply.arrival[:, None]) & (buckets < (supply.arrival + supply.review)[:, None])
    soon = np.mean(mean, axis=1, where=first)
    later = np.mean(mean, axis=1, where=buckets >= supply.arrival[:, None])
    even = (later > 0) & (soon <= EVEN * later) & (later <= EVEN * soon)
    beyond = buckets >= (supply.arrival + supply.review)[:, None]
    steady = ~supply.dated & ~np.any(supply.closed, axis=1) & ~np.any(beyond & (supply.receipts > 0), axis=1)
    levelled = supply.backlog | (supply.lead_time == 0)
    return np.asarray(even & steady & levelled & ~supply.targeted & (supply.ordering > 0))


def _cost(window: Window, over: Floats, under: Floats, quantity: Floats) -> Floats:
    """[m] expected cost of the first review with quantity [m]."""
    found = np.zeros(len(quantity))
    for step in range(window.demand.shape[2]):
        gap = quantity[:, None] - window.thresholds[:, :, step]
        left = np.maximum(gap, 0).mean(axis=1)
        found += over[:, step] * left + under[:, step] * (left - quantity + window.average[:, step])
    return found


def _at_none(window: Window, over: Floats, under: Floats) -> Floats:
    return _cost(window, over, under, np.zeros(len(over)))


def _range(supply: Supply, window: Window, over: Floats, under: Floats) -> tuple[Floats, Floats]:
    """Lowest level and step of cells: s and S lie where a review costs at most an order more than its least."""
    least, most = window.thresholds.min(axis=(1, 2)), window.thresholds.max(axis=(1, 2))
    low, high = least.astype(np.float64), most.astype(np.float64)
    for _ in range(HALVINGS):  # the least of a convex cost
        third = (high - low) / 3
        falls = _cost(window, over, under, low + third) > _cost(window, over, under, high - third)
        low, high = np.where(falls, low + third, low), np.where(falls, high, high - third)
    best = (low + high) / 2
    allowed = _cost(window, over, under, best) + supply.ordering
    down = _edge(window, over, under, best, best - (supply.ordering / under.sum(axis=1) + most - least), allowed)
    up = _edge(window, over, under, best, best + (supply.ordering / over.sum(axis=1) + most - least), allowed)
    low = np.floor(down / supply.multiple) * supply.multiple
    return low, np.maximum(np.ceil((up - low) / supply.multiple / CELLS), 1) * supply.multiple


def _edge(window: Window, over: Floats, under: Floats, inside: Floats, outside: Floats, allowed: Floats) -> Floats:
    """The level between the two at which the cost is what is allowed."""
    for _ in range(HALVINGS // 2):
        middle = (inside + outside) / 2
        fits = _cost(window, over, under, middle) <= allowed
        inside, outside = np.where(fits, middle, inside), np.where(fits, outside, middle)
    return outside


def _expected(window: Window, over: Floats, under: Floats, low: Floats, step: Floats, levels: Floats) -> Floats:
    """[m, CELLS + 1] cost of the first review at each level."""
    rows, count, _ = window.thresholds.shape
    found = np.zeros(levels.shape)
    width = CELLS + 2
    for bucket in range(window.demand.shape[2]):
        level = window.thresholds[:, :, bucket].astype(np.float64)
        cell = np.clip(np.ceil((level - low[:, None]) / step[:, None]), 0, CELLS + 1).astype(np.int64)
        place = (cell + width * np.arange(rows)[:, None]).ravel()
        below, units = (
            np.bincount(place, weights, rows * width).reshape(rows, width).cumsum(axis=1)[:, :-1] / count
            for weights in (None, level.ravel())
        )
        left = levels * below - units
        average = window.average[:, bucket, None]
        found += over[:, bucket, None] * left + under[:, bucket, None] * (left - levels + average)
    return found


def _chances(window: Window, step: Floats) -> Floats:
    """[m, CELLS + 1] probability of the demand of a review in steps, the mean kept; what is more counts as most."""
    rows, count, spans = window.demand.shape
    total = np.sum(window.demand * window.near[:, None, :spans], axis=2) / step[:, None]
    total = np.clip(total.astype(np.float64), 0, CELLS)
    cell = np.minimum(total.astype(np.int64), CELLS - 1)
    part = total - cell
    place = cell + (CELLS + 1) * np.arange(rows)[:, None]
    size = rows * (CELLS + 1)
    whole = np.bincount(place.ravel(), (1 - part).ravel(), size) + np.bincount((place + 1).ravel(), part.ravel(), size)
    return np.asarray(whole.reshape(rows, CELLS + 1) / count)


def _best(expected: Floats, chance: Floats, supply: Supply, step: Floats) -> tuple[Ints, Ints, Floats]:
    """Cells of s and S and their long-run cost a review; S - s is one smallest order at least."""
    rows = len(expected)
    moves = np.maximum(1 - chance[:, 0], 1e-9)
    visits = np.zeros((rows, CELLS))  # of the level j steps below S, between two orders
    visits[:, 0] = 1 / moves
    for below in range(1, CELLS):
        visits[:, below] = np.sum(chance[:, 1 : below + 1] * visits[:, below - 1 :: -1], axis=1) / moves
    reviews = np.cumsum(visits, axis=1)
    smallest = np.ceil(supply.first_lot * supply.multiple / step - lots.SLACK)
    best, reorder, up_to = np.full(rows, np.inf), np.zeros(rows, np.int64), np.ones(rows, np.int64)
    for top in range(1, CELLS + 1):
        paid = np.cumsum(visits[:, :top] * expected[:, top:0:-1], axis=1) + supply.ordering[:, None]
        cost = paid / reviews[:, :top]
        cost = np.where(np.arange(1, top + 1) >= np.minimum(smallest, top)[:, None], cost, np.inf)
        depth = np.argmin(cost, axis=1)
        found = cost[np.arange(rows), depth]
        better = found < best
        best = np.where(better, found, best)
        reorder, up_to = np.where(better, top - depth - 1, reorder), np.where(better, top, up_to)
    return reorder, up_to, best


def _values(expected: Floats, chance: Floats, reorder: Ints, up_to: Ints, cost: Floats, ordering: Floats) -> Floats:
    """[m, CELLS + 1] cost from each level on, less the long-run cost of the same reviews; 0 at S."""
    rows, moves = len(expected), np.maximum(1 - chance[:, 0], 1e-9)
    value = np.zeros(expected.shape)
    onwards = np.zeros(expected.shape)  # where an order is placed if the level calls for it
    for level in range(CELLS + 1):
        low = level <= reorder
        reached = np.sum(chance[:, 1 : level + 1] * onwards[:, level - 1 :: -1], axis=1) if level else np.zeros(rows)
        reached += ordering * chance[:, level + 1 :].sum(axis=1)
        held = expected[:, level] - cost + reached
        value[:, level] = np.where(low, held + ordering * chance[:, 0], held / moves)
        onwards[:, level] = np.where(low, ordering, value[:, level])
    return value - np.take_along_axis(value, up_to[:, None], axis=1)
