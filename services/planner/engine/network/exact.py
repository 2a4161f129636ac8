"""Small components with set-ups to a mixed-integer solver, in the tightest form that they allow.

Where item-locations use nothing of each other, units are assigned to orders (facility location): its relaxation is
that of the single item-location's convex hull. Source: Krarup and Bilde (1977); Denizel and others (2008), Equivalence
of the LP relaxations of two strong formulations for the capacitated lot-sizing problem with setup times.
"""

from dataclasses import dataclass

import highspy
import numpy as np
from scipy import sparse

from services.planner.engine.inputs import Bools, Floats, Ints
from services.planner.engine.network.inputs import Network
from services.planner.engine.network.units import FAR, Units


def assignable(network: Network) -> bool:
    """Whether a network has only what the assignment of units can say."""
    nodes, options = network.nodes, network.options
    limited = np.any(np.isfinite(nodes.max_stock)) or np.any(nodes.shelf_life <= nodes.periods)
    return not (len(network.uses) or limited or np.any(np.isfinite(options.split)))


@dataclass(frozen=True, slots=True)
class Found:
    """What the solver found, what it costs, and the bound that it proved."""

    release: Floats  # [m, T] units
    cost: float
    bound: float  # of the plans in which only what was free to change changes


class Assignment:
    """An `assignable` network in the mixed-integer solver."""

    def __init__(self, network: Network) -> None:
        self._shape = network.options.unit_cost.shape
        self._form = _Form.of(Units.of(network))
        self._highs = highspy.Highs()
        self._highs.setOptionValue("output_flag", False)
        self._highs.setOptionValue("threads", 1)
        self._highs.passModel(self._form.lp)

    def solve(self, seconds: float, *, start: Bools | None = None, free: Bools | None = None) -> Found | None:
        """A plan within `seconds`, None where none was found.

        start: orders [m, T] to go on from. free: [m, T] the orders that may change, in place of all.
        """
        form = self._form
        taken: Floats = np.zeros(len(form.order)) if start is None else form.of_orders(start)
        may: Floats = np.ones(len(form.order)) if free is None else form.of_orders(free)
        whole = None if start is None else self._run(taken, taken, seconds, None)
        values = self._run(taken * (1 - may), np.maximum(taken, may), seconds, whole)
        if values is None:
            return None
        release = np.zeros(self._shape)
        np.add.at(release, (form.option[form.sent], form.bucket[form.sent]), values[: len(form.sent)] * form.width)
        info = self._highs.getInfo()
        return Found(release, float(info.objective_function_value), float(info.mip_dual_bound))

    def _run(self, lower: Floats, upper: Floats, seconds: float, start: Floats | None) -> Floats | None:
        highs, order = self._highs, self._form.order.astype(np.int32)
        highs.changeColsBounds(len(order), order, lower, upper)  # drops a start given before
        if start is not None:
            known = highspy.HighsSolution()
            known.col_value = list(start)
            highs.setSolution(known)
        highs.setOptionValue("time_limit", max(seconds, 0.0))
        highs.run()
        found = highs.getInfo().primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
        return np.array(highs.getSolution().col_value) if found else None


@dataclass(frozen=True, slots=True)
class _Form:
    """Columns: shares of kinds of units sent to orders, orders placed, lots, overtime."""

    lp: highspy.HighsLp
    order: Ints  # columns of the orders
    option: Ints  # of each order
    bucket: Ints
    sent: Ints  # the order of each of the first columns
    width: Floats  # units of each of them

    def of_orders(self, table: Bools) -> Floats:
        """The cells [m, T] of the orders, as 0 and 1."""
        return table[self.option, self.bucket].astype(np.float64)

    @classmethod
    def of(cls, units: Units) -> "_Form":
        network, shape = units.network, units.network.options.unit_cost.shape
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

        rows = _Rows()
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
        form = rows.lp(int(columns[-1]))
        form.offset_ = float(units.constant.sum() + np.sum(units.width * units.without))
        form.col_cost_ = np.concatenate(
            [gain[sent, kind] * width, options.order_cost[option], np.zeros(len(lotted)), overtime_cost]
        )
        form.col_lower_, form.col_upper_ = np.zeros(int(columns[-1])), np.concatenate(upper)
        whole = np.zeros(int(columns[-1]), dtype=bool)
        whole[columns[1] : columns[3]] = True
        form.integrality_ = [
            highspy.HighsVarType.kInteger if yes else highspy.HighsVarType.kContinuous for yes in whole
        ]
        return cls(form, order, option, bucket, sent, width)


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


class _Rows:
    """Constraint rows put together block by block."""

    def __init__(self) -> None:
        self._entries: list[tuple[Ints, Ints, Floats]] = []
        self._bounds: list[tuple[Floats, Floats]] = []
        self._count = 0

    def add(
        self, count: int, entries: list[tuple[Ints, Ints, Floats | float]], lower: float, upper: Floats | float
    ) -> None:
        for row, column, value in entries:
            self._entries.append((row + self._count, column, np.broadcast_to(np.asarray(value), row.shape)))
        self._bounds.append((np.full(count, lower), np.broadcast_to(np.ravel(upper), (count,))))
        self._count += count

    def lp(self, columns: int) -> highspy.HighsLp:
        row, column, value = (np.concatenate(parts) for parts in zip(*self._entries, strict=True))
        matrix = sparse.coo_array((value, (row, column)), shape=(self._count, columns)).tocsc()
        matrix.eliminate_zeros()
        form = highspy.HighsLp()
        form.num_col_, form.num_row_ = columns, self._count
        form.row_lower_, form.row_upper_ = (np.concatenate(side) for side in zip(*self._bounds, strict=True))
        form.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        form.a_matrix_.start_, form.a_matrix_.index_, form.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
        return form
