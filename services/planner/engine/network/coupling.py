"""Which item-locations must be planned together: found from what they use and from capacity that may bind."""

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from services.planner.engine.inputs import Bools, Floats, Ints
from services.planner.engine.network.inputs import Mode, Network

TIGHT = 0.85  # of the capacity: above it, a load that ignores the capacity may not fit once lots and timing move


def tight(network: Network, load: Floats) -> Bools:
    """[r] resources that a load [r, T] in hours fills beyond `TIGHT` in some bucket."""
    return np.asarray(np.any(load > TIGHT * network.resources.capacity, axis=1))


def components(network: Network, binding: Bools) -> list[Ints]:
    """Item-locations that share components, sources or a `binding` [r] resource; rows ascend, largest group first.

    An item-location that shares nothing is a group of its own.
    """
    n = len(network.nodes)
    loads = binding[network.loads.resource]
    ends = [
        (network.options.node[network.uses.option], network.uses.node),
        (network.options.node[network.loads.option[loads]], n + network.loads.resource[loads]),
    ]
    label = connected_components(_graph(ends, n + len(network.resources)), directed=False)[1][:n]
    order = np.argsort(label, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(label[order])) + 1)
    return sorted(groups, key=lambda group: (-len(group), int(group[0])))


def cycles(network: Network) -> list[Ints]:
    """Item-locations of each cycle in the bills of material; a ring of transfers alone is none."""
    ends = _edges(network)
    label = connected_components(_graph([ends], len(network.nodes)), directed=True, connection="strong")[1]
    parent, component = ends
    made = (network.options.mode == Mode.MAKE)[network.uses.option]
    wrong = np.unique(label[parent[(label[parent] == label[component]) & made]])
    return [np.flatnonzero(label == which) for which in wrong]


def levels(network: Network) -> Ints:
    """[n] low-level codes: 0 where no option takes from an item-location, else one below whatever takes from it.

    Item-locations on a ring of transfers have one code. Source: Orlicky (1975), Material requirements planning.
    """
    parent, component = _edges(network)
    n = len(network.nodes)
    label = connected_components(_graph([(parent, component)], n), directed=True, connection="strong")[1]
    code = np.zeros(n, dtype=np.int64)
    above, below = label[parent], label[component]
    above, below = above[above != below], below[above != below]
    while True:
        deeper = code.copy()
        np.maximum.at(deeper, below, code[above] + 1)
        if np.array_equal(deeper, code):
            return code[label]
        code = deeper


def _edges(network: Network) -> tuple[Ints, Ints]:
    """Item-locations and what their options take from."""
    return network.options.node[network.uses.option], network.uses.node


def _graph(ends: list[tuple[Ints, Ints]], size: int) -> sparse.csr_array:
    heads = np.concatenate([head for head, _ in ends])
    tails = np.concatenate([tail for _, tail in ends])
    return sparse.coo_array((np.ones(len(heads)), (heads, tails)), shape=(size, size)).tocsr()
