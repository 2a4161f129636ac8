"""A mixed-integer programme of orders, in the solver: searched to a number of nodes, whole or in parts.

Limits are numbers of nodes, so that equal limits give the same plan on any machine; the clock is a safety net, and it
is told where it ended a search.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import highspy
import numpy as np
from scipy import sparse

from services.planner.engine.inputs import Bools, Floats, Ints
from services.planner.engine.network.solver import Solver

GAP = 1e-4  # relative: nearer to the bound is at it


@dataclass(frozen=True, slots=True)
class Form:
    """A programme whose columns tell which orders are placed, and what is released by them."""

    lp: highspy.HighsLp
    order: Ints  # [q] columns of the orders, 0 or 1
    option: Ints  # [q] the option of each
    bucket: Ints  # [q]
    released: Callable[[Floats], Floats]  # [m, T] units of the values of all columns

    def of_orders(self, table: Bools) -> Floats:
        """The cells [m, T] of the orders, as 0 and 1."""
        return table[self.option, self.bucket].astype(np.float64)


@dataclass(frozen=True, slots=True)
class Found:
    """What the solver found, what it costs, and the bound that it proved."""

    release: Floats  # [m, T] units
    cost: float
    bound: float  # of the plans in which only what was free to change changes
    values: Floats  # of the columns


class MixedProgram:
    """A form in the solver, for `seconds` from now at most."""

    def __init__(self, form: Form, seconds: float) -> None:
        self._form = form
        self._until = time.monotonic() + seconds
        self.in_time = True
        self._highs = Solver()
        self._highs.setOptionValue("threads", 1)
        self._highs.setOptionValue("mip_rel_gap", GAP)
        for heuristic in ("rens", "rins"):  # programmes inside the programme; windows do the same for less
            self._highs.setOptionValue(f"mip_heuristic_run_{heuristic}", False)
        self._highs.take(form.lp)

    def started(self, ordered: Bools) -> Found | None:
        """The best plan with the orders [m, T], no more and no fewer."""
        taken = self._form.of_orders(ordered)
        return self._run(taken, taken, None, 1)

    def solve(self, nodes: int, *, start: Found | None = None, free: Bools | None = None) -> Found | None:
        """A plan after `nodes` nodes of the search, None where none was found.

        start: a plan to go on from. free: [m, T] the orders that may change, in place of all; it needs a start.
        """
        form = self._form
        may: Floats = np.ones(len(form.order)) if free is None else form.of_orders(free)
        taken = np.zeros(len(form.order)) if start is None else np.round(start.values[form.order])
        return self._run(taken * (1 - may), np.maximum(taken, may), start, nodes)

    def _run(self, lower: Floats, upper: Floats, start: Found | None, nodes: int) -> Found | None:
        highs, order = self._highs, self._form.order.astype(np.int32)
        highs.changeColsBounds(len(order), order, lower, upper)  # drops a start given before
        if start is not None:
            known = highspy.HighsSolution()
            known.col_value = list(start.values)
            highs.setSolution(known)
        highs.setOptionValue("mip_max_nodes", nodes)
        highs.setOptionValue("time_limit", max(self._until - time.monotonic(), 0.0))
        highs.run()
        self.in_time &= highs.getModelStatus() != highspy.HighsModelStatus.kTimeLimit
        info = highs.getInfo()
        if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
            return None
        values = np.array(highs.getSolution().col_value)
        release = self._form.released(values)
        return Found(release, float(info.objective_function_value), float(info.mip_dual_bound), values)


def integrality(whole: Bools) -> list[highspy.HighsVarType]:
    """The kind of every column."""
    return [highspy.HighsVarType.kInteger if yes else highspy.HighsVarType.kContinuous for yes in whole]


class Rows:
    """Constraint rows put together block by block."""

    def __init__(self) -> None:
        self._entries: list[tuple[Ints, Ints, Floats]] = []
        self._bounds: list[tuple[Floats, Floats]] = []
        self._count = 0

    def add(
        self, count: int, entries: list[tuple[Ints, Ints, Floats | float]], lower: Floats | float, upper: Floats | float
    ) -> None:
        """Some rows: entries (row, column, value), rows counted from the first of them, and bounds."""
        for row, column, value in entries:
            self._entries.append((row + self._count, column, np.broadcast_to(np.asarray(value), row.shape)))
        self._bounds.append((np.broadcast_to(np.ravel(lower), (count,)), np.broadcast_to(np.ravel(upper), (count,))))
        self._count += count

    def lp(self, columns: int) -> highspy.HighsLp:
        """The rows in the solver's own form; costs and bounds of the columns are missing."""
        row, column, value = (np.concatenate(parts) for parts in zip(*self._entries, strict=True))
        matrix = sparse.coo_array((value, (row, column)), shape=(self._count, columns)).tocsc()
        matrix.eliminate_zeros()
        form = highspy.HighsLp()
        form.num_col_, form.num_row_ = columns, self._count
        form.row_lower_, form.row_upper_ = (np.concatenate(side) for side in zip(*self._bounds, strict=True))
        form.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        form.a_matrix_.start_, form.a_matrix_.index_, form.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
        return form
