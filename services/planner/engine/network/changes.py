"""Orders under way of a network that had better come later, sooner, smaller or not at all, all else standing.

What a change does is simulated with and without it for the item-location and whatever is made or moved of it; what
others bring is assumed to be there. Releases are not planned anew: what they could make of the change comes on top.
"""

from dataclasses import dataclass, replace

import numpy as np

from services.planner.engine.changes import Changes, Moves, UnderWay, best, later, smaller, sooner
from services.planner.engine.inputs import Floats, Supply
from services.planner.engine.lots import SLACK
from services.planner.engine.network.inputs import Network
from services.planner.engine.network.projection import Projection
from services.planner.engine.network.simulation import simulate
from services.planner.engine.network.waiting import above


@dataclass(frozen=True, slots=True)
class Standing:
    """A network's plan."""

    network: Network
    supply: Supply  # [n]
    release: Floats  # [m, T]
    paths: np.ndarray  # [n, S, T]
    projection: Projection  # of the releases on the paths


def changes(plan: Standing, orders: UnderWay, most: int) -> Changes | None:
    """The changes that pay, the best of each item-location; None where none does.

    orders.row is of the network's item-locations. At most `most` changes are looked into, those first that have most
    at stake.
    """
    supply, lines = plan.supply, plan.projection.lines
    wanting = replace(lines, shortage=lines.shortage + _lacking(plan))
    possible = (later(supply, lines, orders), smaller(supply, lines, orders), sooner(supply, wanting, orders))
    moves = Moves.joined(list(possible)).dearest(most)
    if not len(moves.order):
        return None
    outlooks = [_outlook(plan, orders, moves, place) for place in range(len(moves.order))]
    held, short, without, changed = np.array(outlooks).T
    saved = {"holding_cost": held, "shortage_cost": short, "ordering_cost": np.zeros(len(held))}
    return best(Changes(moves, saved, without, changed), supply, orders)


def _lacking(plan: Standing) -> Floats:
    """[n, T] units by which releases that use an item-location fall short while it is used up."""
    network, lines = plan.network, plan.projection.lines
    nodes, uses = network.nodes, network.uses
    planned = np.zeros((len(nodes), nodes.periods))
    np.add.at(planned, network.options.node, plan.release)
    missing = np.maximum(planned - lines.planned_releases, 0)
    lacking = np.zeros_like(planned)
    for use in range(len(uses)):
        offset = int(uses.offset[use])
        taker = network.options.node[uses.option[use]]
        lacking[uses.node[use], offset:] += uses.quantity[use] * missing[taker, : nodes.periods - offset]
    used_up = lines.available_p10 <= SLACK * lines.demand
    return lacking * (used_up & (lacking > SLACK * lines.demand))


def _outlook(plan: Standing, orders: UnderWay, moves: Moves, place: int) -> tuple[float, float, float, float]:
    """Holding and shortage cost that a move saves, and the highest chance of a stock-out without and with it."""
    order = int(moves.order[place])
    node, due, bucket = int(orders.row[order]), int(orders.bucket[order]), int(moves.bucket[place])
    part, nodes, options, _ = above(plan.network, node)
    row = int(np.searchsorted(nodes, node))
    receipts = part.nodes.receipts.copy()
    receipts[row, due] = max(receipts[row, due] - orders.quantity[order], 0)
    if bucket < part.nodes.periods:
        receipts[row, bucket] += moves.quantity[place]
    moved = replace(part, nodes=replace(part.nodes, receipts=receipts))
    supply = plan.supply.rows(nodes)
    costs = [_cost(each, supply, plan.release[options], plan.paths[nodes]) for each in (part, moved)]
    (held, short, chance), (held_then, short_then, chance_then) = costs
    return held - held_then, short - short_then, chance, chance_then


def _cost(network: Network, supply: Supply, release: Floats, paths: np.ndarray) -> tuple[float, float, float]:
    """Mean holding and shortage cost, and the highest chance of a stock-out of an item-location in a bucket."""
    held, short, chance = 0.0, 0.0, 0.0
    for moment in simulate(network, release, paths):
        unmet = np.where(supply.backlog[:, None], moment.backlog, moment.short)
        held += float(supply.holding_cost @ moment.stock.mean(axis=1))
        short += float(supply.penalty @ unmet.mean(axis=1))
        out = (moment.short > SLACK * 10 * moment.demand).mean(axis=1)
        chance = max(chance, float(out.max()))
    return held, short, chance
