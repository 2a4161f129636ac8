"""Lot sizing without capacity, for many item-locations at once: which options to release in which buckets.

The unit that arrives as the k-th costs, from its arrival on, the slope of each bucket's end cost at k; so a plan's cost
is a sum over units of what each costs at its arrival, and over orders of their cost. Units between two break points of
the end cost are alike: a facility location problem on a line, solved by dynamic programming over pairs of successive
orders. The value is a bound even where a later order would be sold back in part; it is exact where none is.

Sources: Krarup and Bilde (1977), Plant location, set covering and economic lot size; Wagner and Whitin (1958).
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from services.planner.engine.inputs import Bools, Floats, Ints
from services.planner.engine.network.inputs import Network, Nodes
from services.planner.engine.network.model import releasable

BLOCK_CELLS = 400_000  # units x orders of the item-locations that are worked on at a time
FAR = 1e30  # the price of what cannot be had


@dataclass(frozen=True, slots=True)
class Choice:
    """The least-cost plan under given prices."""

    value: Floats  # [n] money, at most what any plan costs
    release: Floats  # [m, T] units of a plan that costs as much, or little more


@dataclass(frozen=True, slots=True)
class Units:
    """Kinds of units of each item-location, and what each costs by the bucket of its arrival, its price aside."""

    network: Network
    width: Floats  # [n, U] units of a kind
    worth: Floats  # [n, U, T] money per unit that arrives in a bucket; FAR where it would come too late
    without: Floats  # [n, U] money per unit that never arrives
    constant: Floats  # [n] money that no release changes
    option: Ints  # [n, F] the options of an item-location by bucket of arrival; -1 = none
    bucket: Ints  # [n, F] the buckets in which they are released
    arrival: Ints  # [n, F]

    @classmethod
    def of(cls, network: Network) -> Self:
        """Lay out the units of a network, each item-location for itself."""
        nodes = network.nodes
        base = nodes.on_hand[:, None] + np.cumsum(nodes.receipts - nodes.demand, axis=1)
        points = np.concatenate([-base, nodes.safety_stock - base], axis=1)
        points = np.sort(np.maximum(points, 0), axis=1)
        points = np.concatenate([points, points[:, -1:] + _surplus(network)], axis=1)
        width = np.diff(points, axis=1, prepend=0)
        safety_cost = _safety_cost(nodes)
        slope = _slope(nodes, safety_cost, base, points - width / 2)
        from_arrival = np.cumsum(slope[:, :, ::-1], axis=2)[:, :, ::-1]
        worth, without = from_arrival, np.zeros(width.shape)
        lost = ~nodes.backlog
        if np.any(lost):
            worth[lost], without[lost] = _lost(base[lost], points[lost], from_arrival[lost], nodes.shortage_cost[lost])
        return cls(network, width, worth, without, _constant(nodes, safety_cost, base), *_orders(network))

    def choose(self, price: Floats, order_cost: Floats) -> Choice:
        """The cheapest plan at `price` [m, T] per unit and `order_cost` [m, T] per order."""
        n, kinds = self.width.shape
        orders = self.option.shape[1]
        value, release = np.empty(n), np.zeros_like(price)
        step = max(1, BLOCK_CELLS // (kinds * max(orders, 1)))
        for start in range(0, n, step):
            rows = np.arange(start, min(start + step, n))
            value[rows] = self._choose(rows, price, order_cost, release)
        return Choice(value, release)

    def _choose(self, rows: Ints, price: Floats, order_cost: Floats, release: Floats) -> Floats:
        option, bucket, arrival = self.option[rows], self.bucket[rows], self.arrival[rows]
        exists = option >= 0
        unit = np.where(exists, price[option, bucket], FAR)
        fixed = np.where(exists, order_cost[option, bucket], FAR)
        cost = unit[:, None, :] + np.take_along_axis(self.worth[rows], arrival[:, None, :], axis=2)
        without = self.without[rows][:, :, None]
        cost = np.concatenate([cost, without], axis=2)
        # a unit may always stay away, whatever has been ordered
        gain, following = _chain(np.minimum(cost, without), self.width[rows], fixed)
        self._release(rows, cost, following, release)
        never = np.einsum("nu,nu->n", self.width[rows], self.without[rows])
        return np.asarray(self.constant[rows] + never + gain)

    def _release(self, rows: Ints, cost: Floats, following: Ints, release: Floats) -> None:
        """Send every kind of unit to the cheapest of the orders taken."""
        count = cost.shape[2]
        taken = _taken(following, count)
        best = np.argmin(np.where(taken[:, None, :], cost, np.inf), axis=2)
        sent = np.zeros((len(rows), count))
        for kind in range(best.shape[1]):
            sent[np.arange(len(rows)), best[:, kind]] += self.width[rows, kind]
        row, order = np.nonzero(sent[:, :-1])
        release[self.option[rows[row], order], self.bucket[rows[row], order]] = sent[row, order]


def _surplus(network: Network) -> Floats:
    """[n, 1] units beyond all need that a smallest order or a lot may bring."""
    options = network.options
    most = np.zeros(len(network.nodes))
    np.maximum.at(most, options.node, options.smallest + options.multiple)
    return most[:, None]


def _safety_cost(nodes: Nodes) -> Floats:
    """[n] the cost of missing a target, at most what makes it no gain to owe demand for the target's sake."""
    most = np.where(nodes.backlog, nodes.holding_cost + nodes.shortage_cost, np.inf)
    return np.minimum(nodes.safety_cost, most)


def _slope(nodes: Nodes, safety_cost: Floats, base: Floats, unit: Floats) -> Floats:
    """[n, U, T] what one more unit costs at a bucket's end, if `unit` [n, U] have arrived."""
    end = unit[:, :, None] + base[:, None, :]
    held = nodes.holding_cost[:, None, None]
    below = held - safety_cost[:, None, None] * (end < nodes.safety_stock[:, None, :])
    owed = np.where(nodes.backlog, -nodes.shortage_cost, 0.0)[:, None, None]
    return np.where(end > 0, below, owed)


def _lost(base: Floats, points: Floats, from_arrival: Floats, shortage_cost: Floats) -> tuple[Floats, Floats]:
    """Costs where sales are lost: a unit that is not there when it is asked for is as good as bought by losing a sale.

    To lose one earlier than that can pay where it keeps the safety stock up. That no more can be lost than is asked
    for is left out of sight: the value stays a bound.
    """
    needed = -base[:, None, :] >= points[:, :, None] - 1e-9 * np.maximum(points[:, :, None], 1)
    needed &= points[:, :, None] > 0
    ever, when = np.any(needed, axis=2), np.argmax(needed, axis=2)
    late = ever[:, :, None] & (np.arange(base.shape[1]) > when[:, :, None])
    worth = np.where(late, FAR, from_arrival)
    miss = shortage_cost[:, None] + worth.min(axis=2)
    return worth, np.where(ever, miss, np.minimum(miss, 0.0))


def _constant(nodes: Nodes, safety_cost: Floats, base: Floats) -> Floats:
    stock = np.maximum(base, 0)
    cost = nodes.holding_cost[:, None] * stock
    cost += safety_cost[:, None] * np.maximum(nodes.safety_stock - stock, 0)
    cost += np.where(nodes.backlog, nodes.shortage_cost, 0.0)[:, None] * np.maximum(-base, 0)
    return np.asarray(cost.sum(axis=1))


def _orders(network: Network) -> tuple[Ints, Ints, Ints]:
    """[n, F] option, bucket of release and of arrival of each order that can be made, by arrival."""
    options = network.options
    option, bucket = np.nonzero(releasable(options))
    node, arrival = options.node[option], bucket + options.lead_time[option]
    by = np.lexsort((options.priority[option], arrival, node))
    option, bucket, node, arrival = option[by], bucket[by], node[by], arrival[by]
    count = np.bincount(node, minlength=len(network.nodes))
    place = np.arange(len(node)) - np.repeat(np.cumsum(count) - count, count)
    shape = (len(network.nodes), int(count.max(initial=0)))
    laid = np.full(shape, -1), np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    for table, values in zip(laid, (option, bucket, arrival), strict=True):
        table[node, place] = values
    return laid


def _chain(cost: Floats, width: Floats, fixed: Floats) -> tuple[Floats, Ints]:
    """[n] least cost beyond that of no order, and [n, F + 1] the order that best follows each; the last is none.

    The start is told as order F. cost: [n, U, F + 1].
    """
    n, _, count = cost.shape
    rows = np.arange(n)
    to_go = np.zeros((n, count))
    following = np.full((n, count), count - 1)
    for order in reversed(range(count - 1)):
        lower = np.minimum(cost[:, :, order, None] - cost[:, :, order + 1 :], 0)
        total = np.einsum("nuf,nu->nf", lower, width) + to_go[:, order + 1 :]
        best = np.argmin(total, axis=1)
        following[:, order] = order + 1 + best
        to_go[:, order] = fixed[:, order] + total[rows, best]
    first = np.argmin(to_go, axis=1)
    following[:, count - 1] = np.where(to_go[rows, first] < 0, first, count - 1)
    return np.minimum(to_go[rows, first], 0), following


def _taken(following: Ints, count: int) -> NDArray[np.bool_]:
    """[n, F + 1] orders on the way from the start; no order at all is always among them."""
    rows = np.arange(len(following))
    taken: Bools = np.zeros((len(following), count), dtype=bool)
    at = following[:, count - 1]
    while True:
        taken[rows, at] = True
        if np.all(at == count - 1):
            return taken
        at = np.where(at == count - 1, at, following[rows, at])
