"""Orders under way that had better come later, sooner, larger, smaller or not at all, and what that is worth."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np

from services.planner.engine import lots
from services.planner.engine.inputs import Bools, Demand, Floats, Ints, Supply
from services.planner.engine.plan import Plan, plan
from services.planner.engine.projection import Lines

PARTS = ("holding_cost", "shortage_cost", "ordering_cost")


@dataclass(frozen=True, slots=True)
class UnderWay:
    """o orders under way, of some item-locations; all [o]."""

    row: Ints  # item-location
    bucket: Ints  # in which it is due
    quantity: Floats  # units
    cancellable: Bools  # can be given back, or some of it
    enlargeable: Bools  # can still become larger
    hurried: Ints  # first bucket in which it could come at best


@dataclass(frozen=True, slots=True)
class Moves:
    """k orders under way with another bucket, T for none, and another quantity; at most one of each kind a row."""

    order: Ints  # [k] places in what is under way
    bucket: Ints  # [k]
    quantity: Floats  # [k] units
    stake: Floats  # [k] money: the largest are looked into first

    def rows(self, index: Ints) -> Self:
        return type(self)(**{field.name: getattr(self, field.name)[index] for field in fields(self)})

    def dearest(self, most: int) -> Self:
        """Those `most` with most at stake, in their order."""
        return self.rows(np.sort(np.argsort(-self.stake, kind="stable")[:most]))

    @classmethod
    def joined(cls, parts: list[Self]) -> Self:
        names = (field.name for field in fields(cls))
        return cls(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


@dataclass(frozen=True, slots=True)
class Changes:
    """k moves that pay, each of another item-location."""

    moves: Moves
    saved: dict[str, Floats]  # [k] money by part of the cost; negative where the change costs more
    without: Floats  # [k] highest probability of a stock-out in a bucket
    with_: Floats  # [k] the same with the change

    def rows(self, index: Ints) -> Self:
        saved = {name: values[index] for name, values in self.saved.items()}
        return type(self)(self.moves.rows(index), saved, self.without[index], self.with_[index])


def later(supply: Supply, lines: Lines, orders: UnderWay) -> Moves:
    """Orders that can come later: while at least as much as one brings is left at a bucket's end in nine paths of ten.

    What is never needed is called off, where that can be.
    """
    row, bucket, quantity = orders.row, orders.bucket, orders.quantity
    periods = lines.available_p10.shape[1]
    low = lines.available_p10[row] < quantity[:, None]
    low &= np.arange(periods) >= bucket[:, None]
    needed = np.where(np.any(low, axis=1), np.argmax(low, axis=1), periods)
    movable = (needed > bucket) & ((needed < periods) | orders.cancellable)
    stake = supply.holding_cost[row] * quantity * (needed - bucket)
    left = np.where(needed < periods, quantity, 0.0)
    return _dearest(orders, np.where(movable, stake, 0.0), needed, left)


def smaller(supply: Supply, lines: Lines, orders: UnderWay) -> Moves:
    """Orders of which some lots are left at every bucket's end in nine paths of ten, where an order remains."""
    row, periods = orders.row, lines.available_p10.shape[1]
    after = np.arange(periods) >= orders.bucket[:, None]
    spare = np.min(lines.available_p10[row], axis=1, where=after, initial=np.inf)
    multiple = supply.multiple[row]
    given = np.maximum(np.floor(spare / multiple + lots.SLACK), 0) * multiple
    left = orders.quantity - given
    possible = orders.cancellable & (given > 0) & (left >= supply.first_lot[row] * multiple * (1 - lots.SLACK))
    stake = supply.holding_cost[row] * given * (periods - orders.bucket)
    return _dearest(orders, np.where(possible, stake, 0.0), orders.bucket, left)


def larger(supply: Supply, first: Floats, orders: UnderWay) -> Moves:
    """Orders that come no later than a new one would, with what that would bring. first [n]: units of the new order."""
    row = orders.row
    wanted = orders.quantity + first[row]
    possible = orders.enlargeable & (first[row] > 0) & (orders.bucket <= supply.arrival[row])
    possible &= wanted <= supply.max_qty[row] * (1 + lots.SLACK)
    sooner = (supply.arrival[row] - orders.bucket + 1) * supply.penalty[row] * first[row]
    stake = supply.ordering[row] + sooner
    return _dearest(orders, np.where(possible, stake, 0.0), orders.bucket, wanted)


def sooner(supply: Supply, lines: Lines, orders: UnderWay) -> Moves:
    """Orders that are wanted in the first bucket in which something is short before they come."""
    row, periods = orders.row, lines.shortage.shape[1]
    buckets = np.arange(periods)
    between = (buckets >= orders.hurried[:, None]) & (buckets < orders.bucket[:, None])
    short = between & (lines.shortage[row] > 0)
    lacking = np.sum(lines.shortage[row], axis=1, where=between)
    stake = np.where(np.any(short, axis=1), supply.penalty[row] * lacking, 0.0)
    return _dearest(orders, stake, np.argmax(short, axis=1), orders.quantity)


def changes(
    supply: Supply, demand: Demand, planned: Plan, orders: UnderWay, *, paths: int, most: int, threads: int = 1
) -> Changes | None:
    """The changes that pay, the best of each item-location, planned anew to see by how much; None where none does.

    At most `most` are looked into, those first that have most at stake. An order that becomes larger does so in place
    of a new one: none is to be released beside it.
    """
    moves = Moves.joined(list(_possible(supply, planned, orders))).dearest(most)
    if not len(moves.order):
        return None
    rows, number = orders.row[moves.order], np.arange(len(moves.order))
    part, receipts = supply.rows(rows), supply.receipts[rows]
    due, quantity = orders.bucket[moves.order], orders.quantity[moves.order]
    receipts[number, due] = np.maximum(receipts[number, due] - quantity, 0)
    comes = moves.bucket < receipts.shape[1]
    receipts[number[comes], moves.bucket[comes]] += moves.quantity[comes]
    after = plan(replace(part, receipts=receipts), demand.rows(rows), paths=paths, threads=threads)
    lines = planned.lines.rows(rows)
    saved = {name: (getattr(lines, name) - getattr(after.lines, name)).sum(axis=1) for name in PARTS}
    chances = (each.stockout_probability.max(axis=1) for each in (lines, after.lines))
    settled = (moves.quantity <= quantity) | (after.orders.option.quantity == 0)
    return best(Changes(moves, saved, *chances).rows(np.flatnonzero(settled)), supply, orders)


def best(found: Changes, supply: Supply, orders: UnderWay) -> Changes | None:
    """Of each item-location the change that saves most, and at least a bucket's holding of what it moves; else None."""
    moves, quantity = found.moves, orders.quantity[found.moves.order]
    row = orders.row[moves.order]
    net = np.asarray(sum(found.saved.values()))
    moved = np.where(moves.quantity == quantity, quantity, np.abs(moves.quantity - quantity))
    chosen = _first_of_each(row, np.where(net >= supply.holding_cost[row] * moved, net, 0.0))
    return found.rows(chosen) if len(chosen) else None


def _possible(supply: Supply, planned: Plan, orders: UnderWay) -> Iterator[Moves]:
    yield later(supply, planned.lines, orders)
    yield smaller(supply, planned.lines, orders)
    yield larger(supply, planned.orders.option.quantity, orders)
    yield sooner(supply, planned.lines, orders)


def _dearest(orders: UnderWay, stake: Floats, bucket: Ints, quantity: Floats) -> Moves:
    """Of each item-location the order with most at stake, where that is above 0."""
    chosen = _first_of_each(orders.row, stake)
    return Moves(chosen, bucket[chosen], quantity[chosen], stake[chosen])


def _first_of_each(row: Ints, worth: Floats) -> Ints:
    """Places of the highest worth of each row, ascending, where that is above 0."""
    order = np.lexsort((-worth, row))
    first = np.diff(row[order], prepend=-1) > 0
    chosen = order[first]
    return np.sort(chosen[worth[chosen] > 0])
