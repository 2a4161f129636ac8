"""A network's releases on sample paths: what reaches whom when demand is not what the plan expected.

Open loop: the releases are those of the plan, on every path. Only what is not there cannot be used: an order whose
components are short brings less, in proportion. In a bucket receipts come first, then orders take what they use, those
of item-locations at the bottom of the bill of materials before those above, then backlog and demand are served. What is
received first is used first; what is past its shelf life at a bucket's end is thrown away. Stock limits are not
simulated: they limit what is ordered.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from services.planner.engine.inputs import Bools, Floats, Ints
from services.planner.engine.network.coupling import levels
from services.planner.engine.network.inputs import Network, Uses
from services.planner.engine.shelf import Shelf


@dataclass(frozen=True, slots=True)
class Moment:
    """One bucket on S paths: item-locations [n, S] and options [m, S], in units."""

    demand: Floats  # independent
    used: Floats  # taken by orders
    received: Floats  # of orders released in the plan
    released: Floats  # [m, S]
    stock: Floats  # at the end
    backlog: Floats  # at the end; 0 where sales are lost
    short: Floats  # independent demand not served in the bucket
    wasted: Floats  # thrown away at the end


def simulate(network: Network, release: Floats, paths: np.ndarray) -> Iterator[Moment]:
    """Yield the buckets of releases [m, T] on independent demand paths [n, S, T]."""
    state = _Afloat(network, release, paths.shape[1])
    waits = network.nodes.backlog[:, None]
    for t in range(paths.shape[2]):
        received, used, released = state.turn(t)
        demand = paths[:, :, t].astype(np.float64)
        end = state.stock - state.owed - demand
        stock, missing = np.maximum(end, 0), np.maximum(-end, 0)
        wasted = state.expired(t, stock)
        stock = stock - wasted
        backlog = np.where(waits, missing, 0.0)
        yield Moment(demand, used, received, released, stock, backlog, np.minimum(missing, demand), wasted)
        state.stock, state.owed = stock.copy(), backlog


class _Afloat:
    """Stock and backlog [n, S], and what is under way."""

    def __init__(self, network: Network, release: Floats, paths: int) -> None:
        nodes, uses = network.nodes, network.uses
        self.network, self.release = network, release
        on_hand = np.repeat(nodes.on_hand[:, None], paths, axis=1).astype(np.float64)
        self.stock, self.owed = np.maximum(on_hand, 0), np.maximum(-on_hand, 0)
        self._incoming = np.zeros((nodes.periods, len(nodes), paths))
        self._shelf = Shelf(nodes.shelf_life, paths, nodes.periods)
        self._begun = np.zeros((nodes.periods, len(network.options), paths))
        code = levels(network)
        level = code[network.options.node]
        deepest = range(int(code.max(initial=0)), -1, -1)
        self._options = [np.flatnonzero(level == here) for here in deepest]
        self._at_once = [
            some(uses, np.flatnonzero((level[uses.option] == here) & (uses.offset == 0))) for here in deepest
        ]
        self._later = [
            some(uses, np.flatnonzero((level[uses.option] == here) & (uses.offset == offset)))
            for here in deepest
            for offset in np.unique(uses.offset[uses.offset > 0])
        ]

    def expired(self, t: int, stock: Floats) -> Floats:
        """[n, S] what of the stock at the end of t came too long ago."""
        found, rows = np.zeros_like(stock), self._shelf.rows
        came = self._incoming[t, rows] + self.network.nodes.receipts[rows, t, None]
        found[rows] = self._shelf.expired(t, came, stock[rows])
        return found

    def turn(self, t: int) -> tuple[Floats, Floats, Floats]:
        """Receive, let orders take what they use, and release; received [n, S], used [n, S], released [m, S]."""
        network, begun = self.network, self._begun[t]
        used = np.zeros_like(self.stock)
        self.stock += network.nodes.receipts[:, t, None] + self._incoming[t]
        begun[:] = self.release[:, t, None]
        for options, uses in zip(self._options, self._at_once, strict=True):
            begun[options] *= self._served(uses, begun, used)[options]
            self._ship(options, begun, t, t)
        for uses in self._later:
            start = t - int(uses.offset[0]) if len(uses) else -1
            if start >= 0:
                self._stopped(uses, start, t, used)
        return self._incoming[t], used, begun.copy()

    def _served(self, uses: Uses, begun: Floats, used: Floats) -> Floats:
        """[m, S] share of each order for which there is enough of everything; takes what that share uses."""
        share = np.ones_like(begun)
        if len(uses) == 0:
            return share
        wanted = uses.quantity[:, None] * begun[uses.option]
        asked = np.zeros_like(self.stock)
        np.add.at(asked, uses.node, wanted)
        enough = np.divide(self.stock, asked, out=np.ones_like(asked), where=asked > self.stock)
        np.minimum.at(share, uses.option, enough[uses.node])
        taken = np.zeros_like(self.stock)
        np.add.at(taken, uses.node, wanted * share[uses.option])
        self.stock -= taken
        used += taken
        return share

    def _ship(self, options: Ints, quantity: Floats, start: int, now: int) -> None:
        """Let quantities [m, S] of orders released in `start` arrive; what arrives `now` is there at once."""
        node, lands = self.network.options.node[options], start + self.network.options.lead_time[options]
        inside = lands < len(self._incoming)
        np.add.at(self._incoming, (lands[inside], node[inside]), quantity[options[inside]])
        at_once = lands == now
        np.add.at(self.stock, node[at_once], quantity[options[at_once]])

    def _stopped(self, uses: Uses, start: int, now: int, used: Floats) -> None:
        """Orders of `start` take what they use only now; what lacks it never arrives, unless it has."""
        before = self._begun[start]
        share = self._served(uses, before, used)
        options = np.unique(uses.option)
        self._ship(options[start + self.network.options.lead_time[options] >= now], before * (share - 1), start, now)
        self._begun[start] = before * share


def some(uses: Uses, index: Ints | Bools) -> Uses:
    """Some rows of the uses."""
    return Uses(
        option=uses.option[index], node=uses.node[index], quantity=uses.quantity[index], offset=uses.offset[index]
    )
