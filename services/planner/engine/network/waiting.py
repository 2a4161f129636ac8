"""What it would cost to wait: a release of a network's plan put off to the next review, on the sample paths.

Whatever lies above the release is simulated with and without it, all else of the plan standing; what others bring is
assumed to be there. What the network could do about it is in `relaxed.regrets`.
"""

from dataclasses import dataclass, replace

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
class Wait:
    """One release with it and without."""

    acting: Outlook
    waiting: Outlook

    @property
    def saved(self) -> Floats:
        """[S] shortage cost that the release spares on each path."""
        return self.waiting.shortage_cost - self.acting.shortage_cost

    @property
    def extra_holding(self) -> float:
        """Mean money for what is in stock longer."""
        return float(np.mean(self.acting.holding_cost - self.waiting.holding_cost))


def wait(
    network: Network, supply: Supply, release: Floats, paths: np.ndarray, option: int, bucket: int, review: int
) -> Wait:
    """Compare releases [m, T] with the same less that of an option in a bucket, which comes `review` buckets later.

    supply [n]: what a unit short and a unit in stock cost; paths: [n, S, T].
    """
    node = int(network.options.node[option])
    above, depth = _above(network, node)
    inside = np.isin(network.options.node[network.uses.option], above) & np.isin(network.uses.node, above)
    part, options, _ = replace(network, uses=some(network.uses, inside), loads=_none(network.loads)).part(above)
    later = release.copy()
    later[option, bucket] = 0.0
    if bucket + review < release.shape[1]:
        later[option, bucket + review] += release[option, bucket]
    first = bucket + int(network.options.lead_time[option])
    span = range(first, min(first + review + depth, release.shape[1]))
    known, drawn = supply.rows(above), paths[above]
    return Wait(*(_outlook(part, known, which[options], drawn, span) for which in (release, later)))


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


def _above(network: Network, node: int) -> tuple[Ints, int]:
    """The item-location and all that is made or moved of it, and the longest lead time up there."""
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
