"""Which of equally dear options is taken: the one of the lowest priority number."""

from dataclasses import replace

import numpy as np

from services.planner.engine.network.inputs import Network

TIE = 1e-6  # of the unit cost, for each rank: far below what a cost is known to, well above a solver's tolerance


def preferring(network: Network) -> Network:
    """The network with a unit cost that is a trifle higher for each rank of an option's priority."""
    options, nodes = network.options, network.nodes
    lowest = np.full(len(nodes), np.iinfo(np.int64).max)
    np.minimum.at(lowest, options.node, options.priority)
    if np.array_equal(options.priority, lowest[options.node]):
        return network
    rank = np.unique(options.priority, return_inverse=True)[1]
    scale = np.maximum(nodes.holding_cost, nodes.shortage_cost)
    np.maximum.at(scale, options.node, options.unit_cost.max(axis=1))
    return replace(
        network, options=replace(options, unit_cost=options.unit_cost + (TIE * rank * scale[options.node])[:, None])
    )
