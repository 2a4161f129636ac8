"""Exact plans for demand that is known: dynamic programming over lots received so far, and Wagner-Whitin without lots.

Decisions are taken by the bucket in which an order arrives. With backlog the stock at a bucket's end depends on the
lots received so far alone; with lost sales it depends on those received since stock last ran out. An optimal plan
receives such sums as end in a bucket's net requirement, rounded to lots, or lie a chain of smallest and largest orders
away from one; where that set is smaller than that of all sums it takes their place.

Sources: Wagner and Whitin (1958), Dynamic version of the economic lot size model; extreme points of lot-sizing
networks, Zangwill (1966), A deterministic multi-period production scheduling model with backlogging.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from services.planner.engine.inputs import Bools, Floats, Ints, Supply

ROUNDING = 1e-9  # relative: below it two quantities or costs are the same
MOST_CELLS = 2**25  # states x buckets x stock-outs of one item-location: 256 MB
BLOCK_CELLS = 2**21  # the same of the item-locations that are solved side by side


@dataclass(frozen=True, slots=True)
class Schedule:
    """A plan of releases and what it costs."""

    releases: Floats  # [n, T] units, in lots
    cost: Floats  # [n] holding, shortage, ordering and surcharge over the horizon; no other plan costs less


def schedule(supply: Supply, demand: Floats, allowed: Bools | None = None) -> Schedule:
    """The cheapest releases for demand [n, T] in `supply`'s lots, lead times, reviews and fences.

    Of a price only the surcharge counts. allowed [n, T]: buckets that may release, all by default. What is left at the
    end has no value above the lowest price. Only rows that are `solvable`: ValueError for others.
    """
    free = np.ones(demand.shape, dtype=bool) if allowed is None else allowed
    sizes = _sizes(supply, demand)
    cells = sizes.least * _stages(supply, demand.shape[1])
    if np.any(cells > MOST_CELLS):
        raise ValueError(f"row {int(np.argmax(cells > MOST_CELLS))} has too many lots")
    releases, cost = np.zeros_like(demand), np.zeros(len(demand))
    for rows, whole in _blocks(sizes, cells, supply.backlog):
        problem = _Problem.of(supply.rows(rows), demand[rows], free[rows], whole)
        releases[rows], cost[rows] = problem.solve()
    return Schedule(releases, cost)


def solvable(supply: Supply, demand: Floats) -> Bools:
    """[n] whether `schedule` can hold the states of a row."""
    return np.asarray(_sizes(supply, demand).least * _stages(supply, demand.shape[1]) <= MOST_CELLS)


def wagner_whitin(
    order_cost: Floats, holding_cost: Floats, demand: Floats, price: Floats, review: Ints
) -> tuple[Ints, Floats]:
    """Reviews [n, T] that an order arriving in bucket t covers in the cheapest plan of the rest, and its cost to go.

    order_cost, price: [n, T] of orders that arrive in a bucket, per order and per unit; holding_cost, review: [n];
    demand [n, T]: all of it to be met, stock held to a bucket's end is paid. Exact where deliveries are `review`
    buckets apart; the cost to go is [n, T + 1], 0 at the end.
    """
    n, periods = demand.shape
    units = _from_zero(demand)
    weighted = _from_zero(demand * np.arange(periods))
    covers = np.ones((n, periods), dtype=np.int64)
    to_go = np.zeros((n, periods + 1))
    for t in reversed(range(periods)):
        ends = np.minimum(t + np.arange(1, periods - t + 1) * review[:, None], periods)
        bought = np.take_along_axis(units, ends, axis=1) - units[:, t, None]
        held = np.take_along_axis(weighted, ends, axis=1) - weighted[:, t, None] - t * bought
        costs = order_cost[:, t, None] + price[:, t, None] * bought + holding_cost[:, None] * held
        costs += np.take_along_axis(to_go, ends, axis=1)
        costs[:, 0] -= np.where(bought[:, 0] == 0, order_cost[:, t], 0.0)  # nothing to deliver: nothing is ordered
        best = np.argmin(costs, axis=1)
        covers[:, t] = best + 1
        to_go[:, t] = costs[np.arange(n), best]
    return covers, to_go


@dataclass(frozen=True, slots=True)
class _Sizes:
    """[n] number of states of a row: every number of lots, or only those at which an optimal plan can stop."""

    every: Ints
    stops: Ints
    small: Ints  # [n] smallest orders in a chain of them
    large: Ints  # [n] largest ones

    @property
    def least(self) -> Ints:
        return np.minimum(self.every, self.stops)


def _sizes(supply: Supply, demand: Floats) -> _Sizes:
    top = _most_lots(supply, demand)
    small, large = _chains(supply, top, demand.shape[1])
    with np.errstate(over="ignore"):
        stops = (2.0 * demand.shape[1] + 1) * (2 * small + 1) * (2 * large + 1)
    return _Sizes(top + 1, np.minimum(stops, 2**52).astype(np.int64), small, large)


def _stages(supply: Supply, periods: int) -> Ints:
    """[n] values that are kept per state: one a bucket, with lost sales one for each earlier stock-out too."""
    return np.where(supply.backlog, periods, periods * (periods + 1) // 2)


def _most_lots(supply: Supply, demand: Floats) -> Ints:
    """[n] lots beyond which no plan goes: those that meet all demand, overshot by a smallest order."""
    short = _from_zero(demand - supply.receipts)
    need = np.max(short - np.minimum.accumulate(short, axis=1), axis=1)
    need = np.where(supply.backlog, np.max(short, axis=1) - supply.on_hand, need)
    return _ceil(np.maximum(need, 0) / supply.multiple) + supply.first_lot


def _chains(supply: Supply, top: Ints, periods: int) -> tuple[Ints, Ints]:
    """[n] smallest and largest orders that can follow each other; 0 where they bind no plan."""
    small = np.where(supply.first_lot > 1, np.minimum(top // supply.first_lot + 1, periods), 0)
    large = np.where(supply.last_lot < top, np.minimum(top // supply.last_lot + 1, periods), 0)
    return small, large


def _blocks(sizes: _Sizes, cells: Ints, backlog: Bools) -> Iterator[tuple[Ints, bool]]:
    """Rows with like states, and whether every number of lots is a state of theirs."""
    whole = sizes.every <= sizes.stops
    width = 2 ** np.ceil(np.log2(cells)).astype(np.int64)
    chains = (sizes.small * ~whole, sizes.large * ~whole)
    order = np.lexsort((width, *chains, whole, backlog))
    kinds = np.stack([backlog, whole, *chains, width])[:, order]
    starts = np.flatnonzero(np.any(np.diff(kinds, axis=1, prepend=-1), axis=0))
    for start, end in zip(starts, [*starts[1:], len(order)], strict=True):
        step = max(1, BLOCK_CELLS // int(width[order[start]]))
        for first in range(start, end, step):
            yield order[first : min(first + step, end)], bool(whole[order[start]])


@dataclass(frozen=True, slots=True)
class _Problem:
    """One block, by the bucket of arrival. States ascend; P = 1 + stock-outs so far, of which backlog knows none."""

    states: Ints  # [n or 1, P or 1, S] lots received since stock last ran out
    low: Ints  # as states: first state that an order can reach
    high: Ints  # one after the last
    base: Floats  # [n, P, T] stock at a bucket's end without them
    open: Bools  # [n, T] an order can arrive
    multiple: Floats  # [n]
    price: Floats  # [n, T] money per lot
    order_cost: Floats  # [n, T]
    holding_cost: Floats  # [n]
    shortage_cost: Floats  # [n]
    lead_time: Ints  # [n]
    lost: bool

    @classmethod
    def of(cls, supply: Supply, demand: Floats, free: Bools, whole: bool) -> "_Problem":
        arrivals = np.arange(demand.shape[1])
        release = arrivals - supply.lead_time[:, None]
        since = release - supply.fence[:, None]
        placed = np.clip(release, 0, None)
        net = _from_zero(supply.receipts - demand)
        lost = not bool(supply.backlog[0])
        starts = np.concatenate([-supply.on_hand[:, None], net[:, 1:]], axis=1) if lost else -supply.on_hand[:, None]
        base = net[:, None, 1:] - starts[:, :, None]
        top = _most_lots(supply, demand)
        states = np.arange(int(top.max()) + 1)[None, None] if whole else _stops(supply, base, top)
        low, high = _reach(states, supply, whole)
        return cls(
            states=states,
            low=low,
            high=high,
            base=base,
            open=(since >= 0) & (since % supply.review[:, None] == 0) & np.take_along_axis(free, placed, axis=1),
            multiple=supply.multiple,
            price=np.take_along_axis(supply.surcharge, placed, axis=1) * supply.multiple[:, None],
            order_cost=np.take_along_axis(supply.order_cost, placed, axis=1),
            holding_cost=supply.holding_cost,
            shortage_cost=supply.penalty,
            lead_time=supply.lead_time,
            lost=lost,
        )

    def solve(self) -> tuple[Floats, Floats]:
        """Releases [n, T] and their cost [n]."""
        n, _, periods = self.base.shape
        then: Floats = np.zeros((n, periods + 1 if self.lost else 1, self.states.shape[2]))
        kept: list[Floats] = []
        for t in reversed(range(periods)):
            settled = self._settled(t, then)
            kept.append(settled)
            then = self._chosen(t, settled)
        return self._followed(kept[::-1]), then[:, 0, 0]

    def _settled(self, t: int, then: Floats) -> Floats:
        """[n, P, S] cost from bucket t on, once its order has arrived; then: the cost from the next bucket on."""
        known = t + 1 if self.lost else 1
        base = self.base[:, :known, t, None]
        end = base + self.multiple[:, None, None] * self.states[:, :known]
        end = np.where(np.abs(end) > ROUNDING * np.abs(base), end, 0.0)
        short = self.shortage_cost[:, None, None] * np.maximum(-end, 0)
        after = np.where(end > 0, then[:, :known], then[:, t + 1, 0, None, None]) if self.lost else then
        return np.asarray(self.holding_cost[:, None, None] * np.maximum(end, 0) + short + after)

    def _chosen(self, t: int, settled: Floats) -> Floats:
        """[n, P, S] cost from bucket t on, before an order arrives."""
        if not np.any(self.open[:, t]):
            return settled
        known = settled.shape[1]
        value = self.price[:, t, None, None] * self.states[:, :known]
        ordered = _range_min(settled + value, self.low[:, :known], self.high[:, :known]) - value
        ordered += self.order_cost[:, t, None, None]
        return np.where(self.open[:, t, None, None], np.minimum(settled, ordered), settled)

    def _followed(self, kept: list[Floats]) -> Floats:
        """[n, T] releases on the cheapest way from the first state; a tie orders nothing, else the least."""
        n, _, periods = self.base.shape
        rows = np.arange(n)
        past, at = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
        releases = np.zeros((n, periods))
        places = np.arange(self.states.shape[2])
        for t, settled in enumerate(kept):
            states = self._of(self.states, past)
            reach = (places >= self._of(self.low, past)[rows, at, None]) & (
                places < self._of(self.high, past)[rows, at, None]
            )
            lots = states - states[rows, at, None]
            costs = settled[rows, past] + self.price[:, t, None] * lots + self.order_cost[:, t, None]
            best = np.argmin(np.where(reach, costs, np.inf), axis=1)
            stay = settled[rows, past, at]
            gain = stay - costs[rows, best]
            pays = self.open[:, t] & np.any(reach, axis=1) & (gain > ROUNDING * np.abs(stay))
            arrived = np.where(pays, lots[rows, best], 0) * self.multiple
            releases[rows[pays], t - self.lead_time[pays]] = arrived[pays]
            at = np.where(pays, best, at)
            if self.lost:
                base = self.base[rows, past, t]
                end = base + self.multiple * states[rows, at]
                out = end <= ROUNDING * np.abs(base)
                past, at = np.where(out, t + 1, past), np.where(out, 0, at)
        return releases

    def _of(self, values: Ints, past: Ints) -> Ints:
        """[n, S] the part of an array of states that belongs to each row's last stock-out."""
        shape = (self.base.shape[0], self.base.shape[1], values.shape[2])
        return np.broadcast_to(values, shape)[np.arange(shape[0]), past]


def _stops(supply: Supply, base: Floats, top: Ints) -> Ints:
    """[n, P, S] lots at which an optimal plan can stop; base [n, P, T]: stock at a bucket's end without any."""
    need = -base / supply.multiple[:, None, None]
    found = np.concatenate([np.zeros((*need.shape[:2], 1), dtype=np.int64), _floor(need), _ceil(need)], axis=2)
    small, large = _chains(supply, top, base.shape[2])
    for count, lot in ((int(small.max()), supply.first_lot), (int(large.max()), np.minimum(supply.last_lot, top))):
        away = np.arange(-count, count + 1) * lot[:, None]
        found = (found[:, :, :, None] + away[:, None, None, :]).reshape(*found.shape[:2], -1)
    return np.sort(np.clip(found, 0, top[:, None, None]), axis=2)


def _reach(states: Ints, supply: Supply, whole: bool) -> tuple[Ints, Ints]:
    """As states: the first state that an order from each can reach, and one after the last."""
    n, count = len(supply.on_hand), states.shape[2]
    first, last = (lot[:, None, None] for lot in (supply.first_lot, np.minimum(supply.last_lot, 2**51)))
    if whole:
        return np.minimum(states + first, count), np.minimum(states + last + 1, count)
    low, high = np.empty_like(states), np.empty_like(states)
    for row in range(n):
        for past, own in enumerate(states[row]):
            low[row, past] = np.searchsorted(own, own + first[row, 0], side="left")
            high[row, past] = np.searchsorted(own, own + last[row, 0], side="right")
    return low, high


def _range_min(values: Floats, low: Ints, high: Ints) -> Floats:
    """The least of values[..., low:high] along the last axis, inf where that is empty.

    By minima over the powers of two: Bender and Farach-Colton (2000), The LCA problem revisited.
    """
    shape, count = values.shape, values.shape[-1]
    low, high = np.broadcast_to(low, shape), np.broadcast_to(high, shape)
    if np.all(high == count):
        beyond = np.full((*shape[:-1], 1), np.inf)
        least = np.minimum.accumulate(values[..., ::-1], axis=-1)[..., ::-1]
        return np.take_along_axis(np.concatenate([least, beyond], axis=-1), low, axis=-1)
    found = np.full(shape, np.inf)
    width, table = 1, values
    while width <= count:
        here = (high - low >= width) & (high - low < 2 * width)
        left, right = np.where(here, low, 0), np.where(here, high - width, 0)
        either = np.minimum(np.take_along_axis(table, left, axis=-1), np.take_along_axis(table, right, axis=-1))
        found = np.where(here, either, found)
        table = np.minimum(table[..., :-width], table[..., width:]) if 2 * width <= count else table
        width *= 2
    return found


def _from_zero(values: Floats) -> Floats:
    """Running sums along the buckets, 0 first."""
    return np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)


def _ceil(lots: Floats) -> Ints:
    return np.ceil(lots - ROUNDING * np.maximum(np.abs(lots), 1)).astype(np.int64)


def _floor(lots: Floats) -> Ints:
    return np.floor(lots + ROUNDING * np.maximum(np.abs(lots), 1)).astype(np.int64)
