"""Dependent demand: what orders for what is made or moved ask of the item-locations below."""

import numpy as np

from services.planner.engine.inputs import Floats, Ints
from services.planner.engine.network.coupling import levels
from services.planner.engine.network.inputs import Network


def exploded(network: Network, first: Ints, release: Floats) -> Floats:
    """[m, T] releases [n, T] of each item-location for its own demand, and lot for lot for what uses it.

    first: [n] the option that each is ordered from. Stock does not count, and nothing limits: an upper guess of loads.
    Source: Orlicky (1975), Material requirements planning.
    """
    options, uses = network.options, network.uses
    wanted = release.copy()
    code = levels(network)
    for level in range(int(code.max(initial=0)) + 1):
        here = np.flatnonzero((code[options.node[uses.option]] == level) & (code[uses.node] > level))
        here = here[first[options.node[uses.option[here]]] == uses.option[here]]
        node, taker = uses.node[here], options.node[uses.option[here]]
        need = uses.quantity[here, None] * wanted[taker]
        earlier = options.lead_time[first[node]] - uses.offset[here]
        at = np.clip(np.arange(release.shape[1]) - earlier[:, None], 0, None)
        inside = at < release.shape[1]
        rows = np.broadcast_to(node[:, None], at.shape)
        np.add.at(wanted, (rows[inside], at[inside]), need[inside])
    found = np.zeros_like(options.unit_cost)
    found[first] = wanted
    return found
