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

GAP = 1e-4  # relative, at which the solver stops
HALF = 0.5  # what a binary is told by
WINDOW = 5  # buckets that are decided together while orders are constructed


def assignable(network: Network) -> bool:
    """Whether a network has only what the assignment of units can say."""
    nodes, options = network.nodes, network.options
    limited = np.any(np.isfinite(nodes.max_stock)) or np.any(nodes.shelf_life <= nodes.periods)
    return not (len(network.uses) or limited or np.any(np.isfinite(options.split)))


@dataclass(frozen=True, slots=True)
class Found:
    """Orders that the solver found, what their plan costs, and the bound that it proved."""

    ordered: Bools  # [m, T]
    cost: float
    bound: float


class Assignment:
    """An `assignable` network in the mixed-integer solver."""

    def __init__(self, network: Network) -> None:
        self._shape = network.options.unit_cost.shape
        self._form = _Form.of(Units.of(network))
        self._highs = highspy.Highs()
        self._highs.setOptionValue("output_flag", False)
        self._highs.setOptionValue("threads", 1)
        self._highs.setOptionValue("mip_rel_gap", GAP)
        self._highs.passModel(self._form.lp)
        self._best: Floats | None = None

    def construct(self, seconds: float, width: int = WINDOW) -> Found | None:
        """Orders settled window by window, those after the window relaxed: relax-and-fix."""
        form, found = self._form, None
        windows = range(0, self._shape[1], max(width // 2, 1))
        ordered = np.zeros(len(form.order))
        for first in windows:
            whole = form.bucket < first + width
            self._whole(whole)
            settled = form.bucket < first
            found = self._run(np.where(settled, ordered, 0), np.where(settled, ordered, 1), seconds / len(windows))
            if found is None:
                break
            ordered = found[form.option, form.bucket] * 1.0
            if first + width >= self._shape[1]:
                break
        self._whole(np.ones(len(form.order), dtype=bool))
        return self._found(found)

    def solve(self, start: Bools, free: Bools, seconds: float) -> Found | None:
        """Orders within `seconds`, from those of `start` [m, T], where only those of `free` [m, T] may change."""
        form = self._form
        taken, may = (table[form.option, form.bucket].astype(np.float64) for table in (start, free))
        if self._best is None or not np.array_equal(self._best[form.order] > HALF, taken > HALF):
            self._run(taken, taken, seconds)  # all the columns that go with these orders
        return self._found(self._run(taken * (1 - may), np.maximum(taken, may), seconds, self._best))

    def _whole(self, whole: Bools) -> None:
        kinds = highspy.HighsVarType
        for column, yes in zip(self._form.order, whole, strict=True):
            self._highs.changeColIntegrality(int(column), kinds.kInteger if yes else kinds.kContinuous)

    def _run(self, lower: Floats, upper: Floats, seconds: float, start: Floats | None = None) -> Bools | None:
        form, highs = self._form, self._highs
        order = form.order.astype(np.int32)
        highs.changeColsBounds(len(order), order, lower.astype(np.float64), upper.astype(np.float64))
        if start is not None:
            known = highspy.HighsSolution()
            known.col_value = list(start)
            highs.setSolution(known)
        highs.setOptionValue("time_limit", max(seconds, 0.0))
        highs.run()
        info = highs.getInfo()
        if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
            return None
        self._best = np.array(highs.getSolution().col_value)
        ordered = np.zeros(self._shape, dtype=bool)
        ordered[form.option, form.bucket] = self._best[form.order] > HALF
        return ordered

    def _found(self, ordered: Bools | None) -> Found | None:
        info = self._highs.getInfo()
        if ordered is None:
            return None
        return Found(ordered, float(info.objective_function_value), float(info.mip_dual_bound))


@dataclass(frozen=True, slots=True)
class _Form:
    """Columns: shares of kinds of units sent to orders, orders placed, lots, overtime."""

    lp: highspy.HighsLp
    order: Ints  # columns of the orders
    option: Ints  # of each order
    bucket: Ints

    @classmethod
    def of(cls, units: Units) -> "_Form":
        network, shape = units.network, units.network.options.unit_cost.shape
        options, loads, resources = network.options, network.loads, network.resources
        node, place = np.nonzero(units.option >= 0)
        option, bucket = units.option[node, place], units.bucket[node, place]
        orders = np.arange(len(option))
        # one column for each kind of unit, and order of its item-location that is not too late for it
        cost = units.worth[node, :, units.arrival[node, place]] + options.unit_cost[option, bucket, None]
        gain = cost - units.without[node]
        sent, kind = np.nonzero((units.width[node] > 0) & (gain < 0))
        width = units.width[node[sent], kind]
        number = np.full(shape, -1)
        number[option, bucket] = orders
        lots = np.flatnonzero(options.multiple[option] > 0)
        columns = np.cumsum([0, len(sent), len(orders), len(lots), resources.capacity.size])
        order, lot, overtime = columns[1] + orders, columns[2] + np.arange(len(lots)), columns[3]

        rows = _Rows()
        flat = node[sent] * units.width.shape[1] + kind
        kinds, group = np.unique(flat, return_inverse=True)
        rows.add(len(kinds), [(group, np.arange(len(sent)), 1.0)], -np.inf, 1.0)
        each = np.arange(len(sent))
        rows.add(len(sent), [(each, each, 1.0), (each, order[sent], -1.0)], -np.inf, 0.0)
        largest = options.largest[option]
        limited = np.flatnonzero(np.isfinite(largest))
        quantity = (sent, each, width)
        rows.add(len(orders), [_some(quantity, limited), (limited, order[limited], -largest[limited])], -np.inf, 0.0)
        smallest = options.smallest[option]
        least = np.flatnonzero(smallest > 0)
        rows.add(len(orders), [_some(quantity, least), (least, order[least], -smallest[least])], 0.0, np.inf)
        rows.add(len(orders), [_some(quantity, lots), (lots, lot, -options.multiple[option[lots]])], 0.0, 0.0)
        rows.add(resources.capacity.size, _hours(units, number, quantity, order, overtime), -np.inf, resources.capacity)

        upper = [np.ones(len(sent) + len(orders)), np.full(len(lots), np.inf), resources.overtime.ravel()]
        overtime_cost = np.repeat(resources.overtime_cost, shape[1])
        form = rows.lp(int(columns[-1]))
        form.offset_ = float(units.constant.sum() + np.sum(units.width * units.without))
        form.col_cost_ = np.concatenate(
            [gain[sent, kind] * width, options.order_cost[option], np.zeros(len(lots)), overtime_cost]
        )
        form.col_lower_, form.col_upper_ = np.zeros(int(columns[-1])), np.concatenate(upper)
        whole = np.zeros(int(columns[-1]), dtype=bool)
        whole[columns[1] : columns[3]] = True
        form.integrality_ = [highspy.HighsVarType.kInteger if yes else highspy.HighsVarType.kContinuous for yes in whole]
        return cls(form, order, option, bucket)


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
        (where[product.row], product.col, hours),
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
