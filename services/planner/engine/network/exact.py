"""Small components with set-ups to a mixed-integer solver, in the tightest form that they allow.

Where item-locations use nothing of each other, units are assigned to orders (facility location): its relaxation is
that of the single item-location's convex hull. Source: Krarup and Bilde (1977); Denizel and others (2008), Equivalence
of the LP relaxations of two strong formulations for the capacitated lot-sizing problem with setup times.
"""

import numpy as np
from scipy import sparse

from services.planner.engine.inputs import Floats, Ints
from services.planner.engine.network.inputs import Network
from services.planner.engine.network.mixed import Form, Rows, integrality
from services.planner.engine.network.units import FAR, Units


def assignable(network: Network) -> bool:
    """Whether a network has only what the assignment of units can say."""
    nodes, options = network.nodes, network.options
    limited = np.any(np.isfinite(nodes.max_stock)) or np.any(nodes.shelf_life <= nodes.periods)
    return not (len(network.uses) or limited or np.any(np.isfinite(options.split)))


def assignment(network: Network) -> Form:
    """The programme of an `assignable` network: shares of kinds of units sent to orders, orders, lots, overtime."""
    units = Units.of(network)
    shape = network.options.unit_cost.shape
    options, resources = network.options, network.resources
    node, place = np.nonzero(units.option >= 0)
    option, bucket = units.option[node, place], units.bucket[node, place]
    orders = np.arange(len(option))
    # one column for each kind of unit, and order of its item-location that is not too late for it
    cost = units.worth[node, :, units.arrival[node, place]] + options.unit_cost[option, bucket, None]
    gain = cost - units.without[node]
    lots = np.zeros(len(network.nodes), dtype=bool)
    lots[options.node[(options.smallest > 0) | (options.multiple > 0)]] = True
    sent, kind = np.nonzero((units.width[node] > 0) & ((gain < 0) | lots[node, None]) & (gain < FAR / 2))
    width = units.width[node[sent], kind]
    number = np.full(shape, -1)
    number[option, bucket] = orders
    lotted = np.flatnonzero(options.multiple[option] > 0)
    columns = np.cumsum([0, len(sent), len(orders), len(lotted), resources.capacity.size])
    order, lot, overtime = columns[1] + orders, columns[2] + np.arange(len(lotted)), columns[3]

    rows = Rows()
    flat = node[sent] * units.width.shape[1] + kind
    kinds, group = np.unique(flat, return_inverse=True)
    each = np.arange(len(sent))
    rows.add(len(kinds), [(group.astype(np.int64), each, 1.0)], -np.inf, 1.0)
    rows.add(len(sent), [(each, each, 1.0), (each, order[sent], -1.0)], -np.inf, 0.0)
    largest = options.largest[option]
    limited = np.flatnonzero(np.isfinite(largest))
    quantity = (sent, each, width)
    rows.add(len(orders), [_some(quantity, limited), (limited, order[limited], -largest[limited])], -np.inf, 0.0)
    smallest = options.smallest[option]
    least = np.flatnonzero(smallest > 0)
    rows.add(len(orders), [_some(quantity, least), (least, order[least], -smallest[least])], 0.0, np.inf)
    rows.add(len(orders), [_some(quantity, lotted), (lotted, lot, -options.multiple[option[lotted]])], 0.0, 0.0)
    rows.add(resources.capacity.size, _hours(units, number, quantity, order, overtime), -np.inf, resources.capacity)

    upper = [np.ones(len(sent) + len(orders)), np.full(len(lotted), np.inf), resources.overtime.ravel()]
    overtime_cost = np.repeat(resources.overtime_cost, shape[1])
    lp = rows.lp(int(columns[-1]))
    lp.offset_ = float(units.constant.sum() + np.sum(units.width * units.without))
    lp.col_cost_ = np.concatenate(
        [gain[sent, kind] * width, options.order_cost[option, bucket], np.zeros(len(lotted)), overtime_cost]
    )
    lp.col_lower_, lp.col_upper_ = np.zeros(int(columns[-1])), np.concatenate(upper)
    whole = np.zeros(int(columns[-1]), dtype=bool)
    whole[columns[1] : columns[3]] = True
    lp.integrality_ = integrality(whole)

    def released(values: Floats) -> Floats:
        release = np.zeros(shape)
        np.add.at(release, (option[sent], bucket[sent]), values[: len(sent)] * width)
        return release

    return Form(lp, order, option, bucket, released)


def _some(entries: tuple[Ints, Ints, Floats], orders: Ints) -> tuple[Ints, Ints, Floats]:
    here = np.isin(entries[0], orders)
    return entries[0][here], entries[1][here], entries[2][here]


def _hours(
    units: Units, number: Ints, quantity: tuple[Ints, Ints, Floats], order: Ints, overtime: int
) -> list[tuple[Ints, Ints, Floats | float]]:
    """Entries of the capacity rows."""
    loads, capacity = units.network.loads, units.network.resources.capacity
    row = np.arange(capacity.size).reshape(capacity.shape)
    load, bucket = np.nonzero(number[loads.option] >= 0)
    placed = number[loads.option[load], bucket]
    where = row[loads.resource[load], bucket]
    table = sparse.coo_array((np.ones(len(load)), (np.arange(len(load)), placed)), shape=(len(load), len(order)))
    sending = sparse.coo_array((quantity[2], (quantity[0], quantity[1])), shape=(len(order), len(quantity[1])))
    product = (table.tocsr() @ sending.tocsr()).tocoo()
    hours = product.data * loads.hours[load[product.row]]
    return [
        (where[product.row], product.col.astype(np.int64), hours),
        (where, order[placed], loads.setup_hours[load]),
        (row.ravel(), overtime + np.arange(capacity.size), -1.0),
    ]
