"""How much of an item-location could ever be ordered at once: what order cost and set-up time are spread over."""

import numpy as np

from services.planner.engine.inputs import Floats
from services.planner.engine.network.coupling import levels
from services.planner.engine.network.inputs import Network


def largest_need(network: Network) -> Floats:
    """[m] units that no single order of an option needs to exceed, > 0.

    All demand, backlog and safety stock of the horizon, with what the item-locations above could use of it, or the
    option's maximum, or its smallest order where that is more. A ring of transfers has one need.
    """
    nodes, options, uses = network.nodes, network.options, network.uses
    need = nodes.demand.sum(axis=1) + np.maximum(-nodes.on_hand, 0) + nodes.safety_stock.max(axis=1)
    code = levels(network)
    above = options.node[uses.option]
    ring = code[above] == code[uses.node]
    for level in range(int(code.max(initial=0)) + 1):
        around = ring & (code[uses.node] == level)
        members, moves = np.unique(uses.node[around]), np.unique(uses.option[around])
        lots = options.multiple[moves] + options.smallest[moves] * nodes.periods
        need[members] = need[members].sum() + lots.sum()
        here = (code[above] == level) & ~ring
        # each option may bring the whole need of its item-location, and each time a smallest order at least
        option = uses.option[here]
        lots = np.maximum(need[above[here]] + options.multiple[option], options.smallest[option] * nodes.periods)
        np.add.at(need, uses.node[here], uses.quantity[here] * lots)
    most = np.minimum(np.maximum(need[options.node] + options.multiple, options.smallest), options.largest)
    return np.where(most > 0, most, np.inf)
