"""A network as a linear programme in arrays: which column and row stands for what, and their coefficients.

Columns, in blocks: release [m, T] of each option, stock [n, T] and short [n, T] (end backlog, or units lost), deficit
[., T] below the safety stock, waste [., T], overtime [r, T]. Rows: balance [n, T], what may be served late, target
stock, shelf life, capacity [r, T], shares of sources. Order cost and set-up hours are spread over the largest order
that can make sense, which no plan undercuts, so that the least cost is a bound.

Source: formulation 4.3 of the planner's notes; shelf life as first-in-first-out issuing, Nahmias (1982), Perishable
inventory theory.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from services.planner.engine.inputs import Bools, Floats, Ints
from services.planner.engine.network.inputs import Network, Nodes, Options
from services.planner.engine.network.needs import largest_need

INF = np.inf


@dataclass(frozen=True, slots=True)
class Columns:
    """Column numbers. `deficit` and `waste` exist for some item-locations only."""

    release: Ints  # [m, T]
    stock: Ints  # [n, T]
    short: Ints  # [n, T] end backlog, or units lost
    deficit: Ints  # [targets, T]
    waste: Ints  # [perishables, T]
    overtime: Ints  # [r, T]
    targets: Ints  # item-locations with a safety stock
    perishables: Ints  # item-locations whose stock perishes inside the horizon
    count: int


@dataclass(frozen=True, slots=True)
class Rows:
    """Row numbers of what has a price."""

    balance: Ints  # [n, T]
    capacity: Ints  # [r, T]
    shares: Ints  # [s] each option's share; lots can meet it about


@dataclass(frozen=True, slots=True)
class Model:
    """min cost @ x for lower <= x <= upper and row_lower <= matrix @ x <= row_upper."""

    network: Network
    columns: Columns
    rows: Rows
    cost: Floats
    lower: Floats
    upper: Floats
    matrix: sparse.csc_array
    row_lower: Floats
    row_upper: Floats

    @classmethod
    def of(cls, network: Network, *, setups: bool = True) -> "Model":
        """The linear programme of a network; without `setups`, order cost and set-up hours are left out of it."""
        columns = _columns(network)
        spread = np.full(len(network.options), 1.0 if setups else 0.0) / largest_need(network)
        blocks = [_balance(network, columns), _late(network, columns), _targets(network, columns)]
        blocks += [_shelf(network, columns), _capacity(network, columns, spread), _shares(network, columns)]
        starts = np.cumsum([0, *(len(block.lower) for block in blocks)])
        shape = (network.nodes.periods,)
        cost, lower, upper = _bounds(network, columns, spread)
        return cls(
            network=network,
            columns=columns,
            rows=Rows(
                starts[0] + np.arange(len(blocks[0].lower)).reshape(-1, *shape),
                starts[4] + np.arange(len(blocks[4].lower)).reshape(-1, *shape),
                starts[5] + np.arange(len(blocks[5].lower)),
            ),
            cost=cost,
            lower=lower,
            upper=upper,
            matrix=_stacked(blocks, starts, columns.count),
            row_lower=np.concatenate([block.lower for block in blocks]),
            row_upper=np.concatenate([block.upper for block in blocks]),
        )


@dataclass(frozen=True, slots=True)
class _Block:
    """Some rows: entries (row, column, value) and bounds."""

    row: list[NDArray[np.int64]]
    column: list[NDArray[np.int64]]
    value: list[Floats]
    lower: Floats
    upper: Floats

    @classmethod
    def of(cls, lower: Floats, upper: Floats) -> "_Block":
        return cls([], [], [], np.ravel(lower), np.ravel(upper))

    def add(self, row: Ints, column: Ints, value: Floats | float) -> None:
        row, column, values = np.broadcast_arrays(row, column, value)
        self.row.append(row.ravel())
        self.column.append(column.ravel())
        self.value.append(np.asarray(values, dtype=np.float64).ravel())


def releasable(options: Options) -> Bools:
    """[m, T] whether an option may be released in a bucket and arrives inside the horizon."""
    periods = options.allowed.shape[1]
    return np.asarray(options.allowed & (np.arange(periods) + options.lead_time[:, None] < periods))


def sharing(options: Options) -> Ints:
    """The options that have a share of their own, one row of the model each."""
    return np.flatnonzero(np.isfinite(options.split) & np.any(releasable(options), axis=1))


def unavoidable(nodes: Nodes) -> Floats:
    """[n, T] stock at each bucket's end if nothing is ordered or used."""
    stock, state = np.empty_like(nodes.demand), nodes.on_hand.copy()
    for t in range(nodes.periods):
        state = state + nodes.receipts[:, t] - nodes.demand[:, t]
        state = np.where(nodes.backlog, state, np.maximum(state, 0))
        stock[:, t] = np.maximum(state, 0)
    return stock


def _columns(network: Network) -> Columns:
    n, periods = network.nodes.demand.shape
    targets = np.flatnonzero(np.any(network.nodes.safety_stock > 0, axis=1))
    perishables = np.flatnonzero(network.nodes.shelf_life <= periods)
    sizes = [len(network.options), n, n, len(targets), len(perishables), len(network.resources)]
    starts = np.cumsum([0, *(size * periods for size in sizes)])
    release, stock, short, deficit, waste, overtime = (
        start + np.arange(size * periods).reshape(size, periods) for start, size in zip(starts, sizes, strict=False)
    )
    return Columns(release, stock, short, deficit, waste, overtime, targets, perishables, int(starts[-1]))


def _bounds(network: Network, columns: Columns, spread: Floats) -> tuple[Floats, Floats, Floats]:
    """Cost, lower and upper bound of every column."""
    nodes, options, resources = network.nodes, network.options, network.resources
    owed = np.maximum(-nodes.on_hand, 0)[:, None] + np.cumsum(nodes.demand, axis=1)
    blocks: list[tuple[Ints, Floats | float, Floats | float]] = [
        (
            columns.release,
            options.unit_cost + options.order_cost * spread[:, None],
            np.where(releasable(options), options.largest[:, None], 0.0),
        ),
        (columns.stock, nodes.holding_cost[:, None], np.maximum(nodes.max_stock[:, None], unavoidable(nodes))),
        (columns.short, nodes.shortage_cost[:, None], np.where(nodes.backlog[:, None], owed, nodes.demand)),
        (columns.deficit, nodes.safety_cost[columns.targets, None], INF),
        (columns.waste, nodes.waste_cost[columns.perishables, None], INF),
        (columns.overtime, resources.overtime_cost[:, None], resources.overtime),
    ]
    cost = np.concatenate([_each(value, where) for where, value, _ in blocks])
    upper = np.concatenate([_each(value, where) for where, _, value in blocks])
    return cost, np.zeros(columns.count), upper


def _each(value: Floats | float, beside: Ints) -> Floats:
    return np.broadcast_to(np.asarray(value), beside.shape).ravel()


def _balance(network: Network, columns: Columns) -> _Block:
    """Stock - short, less what came from the bucket before, - arrivals + uses + waste = receipts - demand."""
    nodes, options, uses = network.nodes, network.options, network.uses
    n, periods = nodes.demand.shape
    right = nodes.receipts - nodes.demand
    right[:, 0] += nodes.on_hand
    block = _Block.of(right, right)
    row = np.arange(n * periods).reshape(n, periods)
    block.add(row, columns.stock, 1.0)
    block.add(row[:, 1:], columns.stock[:, :-1], -1.0)
    block.add(row, columns.short, -1.0)
    block.add(row[nodes.backlog, 1:], columns.short[nodes.backlog, :-1], 1.0)
    block.add(row[columns.perishables], columns.waste, 1.0)
    option, bucket = np.nonzero(releasable(options))
    block.add(row[options.node[option], bucket + options.lead_time[option]], columns.release[option, bucket], -1.0)
    use, bucket = np.nonzero(np.arange(periods) + uses.offset[:, None] < periods)
    block.add(
        row[uses.node[use], bucket + uses.offset[use]], columns.release[uses.option[use], bucket], uses.quantity[use]
    )
    return block


def _late(network: Network, columns: Columns) -> _Block:
    """Backlog grows by no more than the demand, so that what an option uses is never owed to it."""
    nodes = network.nodes
    which = np.unique(network.uses.node)
    which = which[nodes.backlog[which]]
    most = nodes.demand[which].copy()
    most[:, 0] += np.maximum(-nodes.on_hand[which], 0)
    block = _Block.of(np.full(most.shape, -INF), most)
    row = np.arange(most.size).reshape(most.shape)
    block.add(row, columns.short[which], 1.0)
    block.add(row[:, 1:], columns.short[which, :-1], -1.0)
    return block


def _targets(network: Network, columns: Columns) -> _Block:
    """Stock + deficit >= safety stock."""
    wanted = network.nodes.safety_stock[columns.targets]
    block = _Block.of(wanted, np.full(wanted.shape, INF))
    row = np.arange(wanted.size).reshape(wanted.shape)
    block.add(row, columns.stock[columns.targets], 1.0)
    block.add(row, columns.deficit, 1.0)
    return block


def _shelf(network: Network, columns: Columns) -> _Block:
    """End stock <= what was received in the last `shelf_life - 1` buckets; stock on hand counts as fresh."""
    nodes, options = network.nodes, network.options
    which, periods = columns.perishables, nodes.periods
    life = nodes.shelf_life[which]
    bucket = np.arange(periods)
    # young[i, s, t]: what is received in s may be in stock at the end of t
    young = (bucket[None, :, None] <= bucket) & (bucket[None, :, None] > bucket - life[:, None, None] + 1)
    fresh = bucket < life[:, None] - 1
    most = np.einsum("ns,nst->nt", nodes.receipts[which], young)
    block = _Block.of(np.full(most.shape, -INF), np.where(fresh, INF, most))
    row = np.arange(most.size).reshape(most.shape)
    block.add(row, columns.stock[which], 1.0)
    place = np.full(len(nodes), -1)
    place[which] = np.arange(len(which))
    option, release = np.nonzero(releasable(options) & (place[options.node] >= 0)[:, None])
    at = place[options.node[option]]
    entry, end = np.nonzero(young[at, release + options.lead_time[option]])
    block.add(row[at[entry], end], columns.release[option[entry], release[entry]], -1.0)
    return block


def _capacity(network: Network, columns: Columns, spread: Floats) -> _Block:
    """Hours - overtime <= capacity."""
    loads, capacity = network.loads, network.resources.capacity
    block = _Block.of(np.full(capacity.shape, -INF), capacity)
    row = np.arange(capacity.size).reshape(capacity.shape)
    hours = loads.hours + loads.setup_hours * spread[loads.option]
    block.add(row[loads.resource], columns.release[loads.option], hours[:, None])
    block.add(row, columns.overtime, -1.0)
    return block


def _shares(network: Network, columns: Columns) -> _Block:
    """An option's releases over the horizon = its share of those of its item-location's shared options."""
    options = network.options
    shared = sharing(options)
    node = options.node[shared]
    whole = np.bincount(node, weights=options.split[shared], minlength=len(network.nodes))
    share = np.divide(options.split[shared], whole[node], out=np.zeros(len(shared)), where=whole[node] > 0)
    block = _Block.of(np.zeros(len(shared)), np.zeros(len(shared)))
    one, other = np.nonzero(node[:, None] == node)
    value = (one == other) - share[one]
    block.add(one[:, None], columns.release[shared[other]], value[:, None])
    return block


def _stacked(blocks: list[_Block], starts: Ints, count: int) -> sparse.csc_array:
    row = np.concatenate([start + part for start, block in zip(starts, blocks, strict=False) for part in block.row])
    column = np.concatenate([part for block in blocks for part in block.column])
    value = np.concatenate([part for block in blocks for part in block.value])
    matrix = sparse.coo_array((value, (row, column)), shape=(int(starts[-1]), count)).tocsc()
    matrix.eliminate_zeros()
    return matrix
