"""Where safety stock lies in a tree of item-locations: guaranteed service, at the least cost of holding it.

Each item-location promises what it supplies within so many buckets, at once where it serves customers. It holds stock
for the buckets that its own lead time and its suppliers' promises leave uncovered. Source: Graves and Willems (2000),
Optimizing strategic safety stock placement in supply chains.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from services.planner.engine.inputs import Bools, Floats, Ints, Supply
from services.planner.engine.network.coupling import levels
from services.planner.engine.network.inputs import Network


@dataclass(frozen=True, slots=True)
class Placement:
    """All [n], in buckets."""

    promised: Ints  # until what is asked for is handed over
    waited: Ints  # until what is asked of suppliers is there
    covered: Ints  # that stock is held for


def placed(network: Network, supply: Supply, paths: np.ndarray) -> Floats:
    """[n, T] safety stock of a network, where it lies in trees placed anew, elsewhere as it is.

    paths: [n, S, T] of independent demand. What is used by others is asked for as they are, at the highest fractile of
    those; lead times are those of the options of the lowest priority number.
    """
    chain = _Chain.of(network)
    safety = network.nodes.safety_stock.copy()
    if not len(chain.supplier):
        return safety
    serves = np.any(network.nodes.demand > 0, axis=1)
    asked, fractile = chain.passed_down(network, np.where(serves, supply.fractile, 0.0), paths)
    periods = paths.shape[2]
    for nodes in chain.trees(len(network.nodes)):
        stock = _stock(asked[nodes], fractile[nodes], supply.review[nodes], serves[nodes])
        place = np.full(len(network.nodes), -1)
        place[nodes] = np.arange(len(nodes))
        inside = place[chain.supplier] >= 0
        edges = list(zip(place[chain.supplier[inside]], place[chain.customer[inside]], strict=True))
        lead = np.minimum(chain.lead_time[nodes], periods)
        found = placement(edges, lead, supply.holding_cost[nodes, None] * stock, serves[nodes])
        rows = np.arange(len(nodes))
        needed, usual = stock[rows, found.covered], stock[rows, lead]
        scaled = safety[nodes] * np.divide(needed, usual, out=np.ones_like(usual), where=usual > 0)[:, None]
        level = np.where(np.arange(periods) >= lead[:, None], needed[:, None], 0.0)
        safety[nodes] = np.where((serves & np.any(network.nodes.safety_stock > 0, axis=1))[nodes, None], scaled, level)
    return safety


def placement(edges: Sequence[tuple[int, int]], lead_time: Ints, cost: Floats, serves: Bools) -> Placement:
    """The cheapest promises in a tree of n item-locations.

    edges: supplier and customer, n - 1 of them. cost: [n, M + 1] money of holding stock for so many buckets, rising.
    serves [n]: those that have to serve at once.
    """
    near: list[list[tuple[int, bool]]] = [[] for _ in lead_time]  # neighbour, and whether it is a customer
    for supplier, customer in edges:
        near[supplier].append((customer, True))
        near[customer].append((supplier, False))
    order, parent = _from_root(near)
    best: dict[int, Floats] = {}  # by the time agreed on with the parent
    choice: dict[int, Ints] = {}  # the other time that goes with it
    for node in reversed(order):
        total = _own(int(lead_time[node]), cost[node], near[node], serves=bool(serves[node]))
        for other, customer in near[node]:
            if other == parent[node]:
                continue
            if customer:  # it waits at least as long as this one promises
                total += np.minimum.accumulate(best[other][::-1])[::-1][:, None]
            else:
                total += np.minimum.accumulate(best[other])
        axis = 1 if dict(near[node]).get(parent[node], True) else 0
        best[node], choice[node] = total.min(axis=axis), total.argmin(axis=axis)
    promised, waited = np.zeros_like(lead_time), np.zeros_like(lead_time)
    for node in order:
        up = parent[node]
        if dict(near[node]).get(up, True):  # the parent is a customer, or there is none
            allowed = best[node] if up < 0 else best[node][: waited[up] + 1]
            promised[node] = np.argmin(allowed)
            waited[node] = choice[node][promised[node]]
        else:
            waited[node] = promised[up] + np.argmin(best[node][promised[up] :])
            promised[node] = choice[node][waited[node]]
    return Placement(promised, waited, waited + lead_time - promised)


def _own(lead_time: int, cost: Floats, near: list[tuple[int, bool]], *, serves: bool) -> Floats:
    """[promised, waited] what one item-location holds; inf where it cannot be."""
    times = np.arange(len(cost))
    net = times + lead_time - times[:, None]
    total = np.where((net >= 0) & (net < len(cost)), cost[np.clip(net, 0, len(cost) - 1)], np.inf)
    if serves:
        total[1:] = np.inf
    if all(customer for _, customer in near):  # nobody to wait for
        total[:, 1:] = np.inf
    return np.asarray(total)


def _from_root(near: list[list[tuple[int, bool]]]) -> tuple[list[int], list[int]]:
    """The tree's item-locations from the first on, each after the one that it was reached from: its parent, -1."""
    parent = [-1] * len(near)
    order, seen = [0], {0}
    for node in order:
        for other, _ in near[node]:
            if other not in seen:
                seen.add(other)
                parent[other] = node
                order.append(other)
    return order, parent


@dataclass(frozen=True, slots=True)
class _Chain:
    """Who takes from whom by the option that comes first; e edges."""

    lead_time: Ints  # [n]
    supplier: Ints  # [e]
    customer: Ints  # [e]
    quantity: Floats  # [e] units of the supplier's per unit of the customer's

    @classmethod
    def of(cls, network: Network) -> "_Chain":
        options, uses, n = network.options, network.uses, len(network.nodes)
        first = np.full(n, -1)
        for option in np.lexsort((-options.lead_time, -options.priority)).tolist():  # the last one told stays
            first[options.node[option]] = option
        lead_time = np.where(first >= 0, options.lead_time[first], 0)
        mine = first[options.node[uses.option]] == uses.option
        return cls(lead_time, uses.node[mine], options.node[uses.option[mine]], uses.quantity[mine])

    def passed_down(self, network: Network, own: Floats, paths: np.ndarray) -> tuple[np.ndarray, Floats]:
        """What is asked of each on each path [n, S, T], and the fractile [n] for it; own [n]: its own, of customers."""
        asked, fractile = paths.astype(np.float32), own.copy()
        code = levels(network)
        for edge in np.argsort(code[self.supplier], kind="stable").tolist():
            above, below = self.customer[edge], self.supplier[edge]
            asked[below] += np.float32(self.quantity[edge]) * asked[above]
            fractile[below] = max(fractile[below], fractile[above])
        return asked, fractile

    def trees(self, n: int) -> list[Ints]:
        """Groups of at least two that hang together without a ring."""
        pairs = np.unique(np.stack([self.supplier, self.customer]), axis=1)
        graph = sparse.coo_array((np.ones(pairs.shape[1]), (pairs[0], pairs[1])), shape=(n, n)).tocsr()
        label = connected_components(graph, directed=False)[1]
        edges = np.bincount(label[pairs[0]], minlength=label.max() + 1)
        groups = [np.flatnonzero(label == which) for which in np.flatnonzero(edges > 0)]
        return [group for group in groups if edges[label[group[0]]] == len(group) - 1]


def _stock(asked: np.ndarray, fractile: Floats, review: Ints, serves: Bools) -> Floats:
    """[k, T + 1] safety stock for so many buckets and a review: the fractile of what is asked for then, less its mean.

    asked [k, S, T]. Beyond the horizon as for all of it; whoever only passes on what comes at once holds none.
    """
    rows, count, periods = asked.shape
    index = np.clip(np.ceil(fractile * count - 1e-9).astype(np.int64) - 1, 0, count - 1)
    sums = np.cumsum(asked - asked.mean(axis=1, keepdims=True), axis=2, dtype=np.float64)
    high = np.take_along_axis(np.sort(sums, axis=1), index[:, None, None], axis=1)[:, 0]
    last = np.minimum(np.arange(periods + 1) + review[:, None], periods) - 1
    found = np.maximum.accumulate(np.maximum(np.take_along_axis(high, last, axis=1), 0), axis=1)
    found[~serves, 0] = 0.0
    return np.asarray(found.reshape(rows, periods + 1))
