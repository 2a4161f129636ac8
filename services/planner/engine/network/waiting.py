"""What it would cost to wait: a release of a network's plan put off to the next review, on the sample paths.

Whatever lies above the release is simulated with and without it, all else of the plan standing; what others bring is
assumed to be there. What the network could do about it is in `relaxed.regrets`.
"""

import math
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from services.planner.engine.inputs import Floats, Ints, Supply
from services.planner.engine.lots import SLACK
from services.planner.engine.network.inputs import Loads, Network
from services.planner.engine.network.simulation import simulate, some


@dataclass(frozen=True, slots=True)
class Outlook:
    """What happens above a release from its arrival until what is released at the next review can have its effect."""

    stockout_probability: float  # that some demand is not served in its bucket
    expected_shortage: float  # units
    shortage_cost: Floats  # [S] money
    holding_cost: Floats  # [S] money


@dataclass(frozen=True, slots=True)
class Other:
    """Another quantity released in the same bucket, be it from another option."""

    kind: str
    option: int
    quantity: float
    outlook: Outlook


@dataclass(frozen=True, slots=True)
class Wait:
    """One release with it and without."""

    acting: Outlook
    waiting: Outlook

    @property
    def saved(self) -> Floats:
        """[S] shortage cost that the release spares on each path."""
        return self.spared(self.acting)

    @property
    def extra_holding(self) -> float:
        """Mean money for what is in stock longer."""
        return self.held(self.acting)

    def spared(self, outlook: Outlook) -> Floats:
        """[S] shortage cost of waiting less that of another outlook."""
        return self.waiting.shortage_cost - outlook.shortage_cost

    def held(self, outlook: Outlook) -> float:
        """Mean holding cost of another outlook less that of waiting."""
        return float(np.mean(outlook.holding_cost - self.waiting.holding_cost))


@dataclass(frozen=True, slots=True)
class Scene:
    """What lies above one release, and the buckets in which it can have its effect."""

    network: Network  # the part above
    supply: Supply
    options: Ints  # [k] of the whole network
    paths: np.ndarray
    span: range
    release: Floats  # [m, T] of the whole network
    option: int
    bucket: int
    review: int

    @classmethod
    def of(
        cls, network: Network, supply: Supply, release: Floats, paths: np.ndarray, option: int, bucket: int, review: int
    ) -> Self:
        """The release of an option in a bucket, one of releases [m, T]; the next chance is `review` buckets later.

        supply [n]: what a unit short and a unit in stock cost; paths: [n, S, T].
        """
        part, nodes, options, depth = above(network, int(network.options.node[option]))
        first = bucket + int(network.options.lead_time[option])
        span = range(first, min(first + review + depth, release.shape[1]))
        return cls(part, supply.rows(nodes), options, paths[nodes], span, release, option, bucket, review)

    def wait(self) -> Wait:
        """Compare the plan with one that puts the release off to the next review."""
        later = self._without()
        if self.bucket + self.review < later.shape[1]:
            later[self.option, self.bucket + self.review] += self.quantity
        return Wait(self._outlook(self.release), self._outlook(later))

    @property
    def quantity(self) -> float:
        return float(self.release[self.option, self.bucket])

    def others(self, whole: Network) -> list[Other]:
        """The next smaller and larger lot, and as much from the cheapest other option that can be released then."""
        options, found = whole.options, []
        lot = float(options.multiple[self.option])
        for kind, quantity in (("smaller_lot", self.quantity - lot), ("larger_lot", self.quantity + lot)):
            if lot > 0 and self._fits(whole, self.option, quantity):
                found.append((kind, self.option, quantity))
        same = (options.node == options.node[self.option]) & options.allowed[:, self.bucket]
        same[self.option] = False
        places = np.flatnonzero(same)
        for place in places[np.argsort(options.unit_cost[places, self.bucket], kind="stable")].tolist():
            each = float(options.multiple[place]) or self.quantity
            quantity = max(math.ceil(self.quantity / each - SLACK) * each, float(options.smallest[place]))
            if self._fits(whole, place, quantity):
                found.append(("other_source", place, quantity))
                break
        return [Other(*one, self._outlook(self._with(*one[1:]))) for one in found]

    def _fits(self, whole: Network, option: int, quantity: float) -> bool:
        least, most = whole.options.smallest[option], whole.options.largest[option]
        return bool(quantity > 0 and least * (1 - SLACK) <= quantity <= most * (1 + SLACK))

    def _without(self) -> Floats:
        release = self.release.copy()
        release[self.option, self.bucket] = 0.0
        return release

    def _with(self, option: int, quantity: float) -> Floats:
        release = self._without()
        release[option, self.bucket] += quantity
        return release

    def _outlook(self, release: Floats) -> Outlook:
        return _outlook(self.network, self.supply, release[self.options], self.paths, self.span)


def _outlook(network: Network, supply: Supply, release: Floats, paths: np.ndarray, span: range) -> Outlook:
    """Sums over the buckets of `span`."""
    count = paths.shape[1]
    out, short = np.zeros(count, dtype=bool), np.zeros(count)
    shortage, holding = np.zeros(count), np.zeros(count)
    for t, moment in enumerate(simulate(network, release, paths[:, :, : span.stop])):
        if t in span:
            unmet = np.where(supply.backlog[:, None], moment.backlog, moment.short)
            out |= np.any(moment.short > SLACK * 10 * moment.demand, axis=0)
            short += moment.short.sum(axis=0)
            shortage += supply.penalty @ unmet
            holding += supply.holding_cost @ moment.stock
    return Outlook(float(out.mean()), float(short.mean()), shortage, holding)


def above(network: Network, node: int) -> tuple[Network, Ints, Ints, int]:
    """The part of an item-location and all that is made or moved of it, without what else that takes.

    Also the part's rows of item-locations and of options, both ascending, and the longest lead time up there.
    """
    nodes, depth = _reached(network, node)
    inside = np.isin(network.options.node[network.uses.option], nodes) & np.isin(network.uses.node, nodes)
    part, options, _ = replace(network, uses=some(network.uses, inside), loads=_none(network.loads)).part(nodes)
    return part, nodes, options, depth


def _reached(network: Network, node: int) -> tuple[Ints, int]:
    """Rows of the item-location and all that is made or moved of it, and the longest lead time up there."""
    options, uses = network.options, network.uses
    depth = {node: 0}
    waiting = [node]
    while waiting:
        below = waiting.pop()
        for use in np.flatnonzero(uses.node == below):
            above = int(options.node[uses.option[use]])
            reached = depth[below] + int(options.lead_time[uses.option[use]])
            if reached > depth.get(above, -1) and reached <= network.nodes.periods:
                depth[above] = reached
                waiting.append(above)
    return np.array(sorted(depth)), max(depth.values())


def _none(loads: Loads) -> Loads:
    return Loads(
        option=loads.option[:0], resource=loads.resource[:0], hours=loads.hours[:0], setup_hours=loads.setup_hours[:0]
    )
