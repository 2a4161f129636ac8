"""One linear programme per component, solved by HiGHS and kept warm: prices, and answers to what-ifs.

Source: Huangfu and Hall (2018), Parallelizing the dual revised simplex method.
"""

from dataclasses import dataclass

import highspy
import numpy as np

from services.planner.engine.inputs import Bools, Floats, Ints
from services.planner.engine.network.model import Model
from services.planner.engine.network.solver import NotSolvedError, Solver

DANTZIG = 0  # edge weights; on planning models 2 to 4 times faster than steepest edge, the solver's own choice
STEP = 1e-3  # of the capacity: how far a finite difference goes
AGREES = 1e-4  # relative: prices that differ by less are the same


@dataclass(frozen=True, slots=True)
class Prices:
    """What one more unit or hour would save, in money; not unique where the plan is degenerate."""

    supply: Floats  # [n, T] a unit that is there at the start of a bucket
    capacity: Floats  # [r, T] an hour of capacity


@dataclass(frozen=True, slots=True)
class Confirmed:
    """Prices of capacity beside what solving again with a little more capacity saves per hour, one row per cell."""

    price: Floats
    difference: Floats
    step: Floats  # hours

    @property
    def agrees(self) -> Bools:
        """Whether the price is the difference: only then may it be shown."""
        scale = np.maximum(np.abs(self.price), np.abs(self.difference))
        return np.asarray(np.abs(self.price - self.difference) <= AGREES * np.maximum(scale, 1e-6))


class Program:
    """A model in the solver. After a change of bounds or costs, `solve` goes on from the last basis."""

    def __init__(self, model: Model, *, threads: int = 1) -> None:
        self.model = model
        self._most = model.row_upper.copy()
        self._highs = Solver()
        self._highs.setOptionValue("threads", threads)
        self._highs.setOptionValue("solver", "simplex")
        self._highs.setOptionValue("simplex_dual_edge_weight_strategy", DANTZIG)
        self._highs.take(lp(model))

    def solve(self) -> float:
        """The least cost; raises NotSolvedError."""
        self._highs.run()
        status = self._highs.getModelStatus()
        if status != highspy.HighsModelStatus.kOptimal:
            raise NotSolvedError(self._highs.modelStatusToString(status))
        return float(self._highs.getInfo().objective_function_value)

    def forget(self) -> None:
        """Drop the basis: where very much has changed, starting anew is faster."""
        self._highs.clearSolver()

    @property
    def values(self) -> Floats:
        """The value of every column in the last solution."""
        return np.array(self._highs.getSolution().col_value)

    @property
    def prices(self) -> Prices:
        """Dual prices of the last solution, with their sign so that what helps is positive."""
        dual = -np.array(self._highs.getSolution().row_dual)
        rows = self.model.rows
        return Prices(dual[rows.balance], dual[rows.capacity])

    @property
    def iterations(self) -> int:
        """Simplex iterations of the last solution."""
        return int(self._highs.getInfo().simplex_iteration_count)

    def bound_columns(self, columns: Ints, lower: Floats | float, upper: Floats | float) -> None:
        """Replace the bounds of some columns."""
        index = np.ascontiguousarray(columns.ravel(), dtype=np.int32)
        self._highs.changeColsBounds(len(index), index, _flat(lower, columns), _flat(upper, columns))

    def bound_rows(self, rows: Ints, lower: Floats | float, upper: Floats | float) -> None:
        """Replace the bounds of some rows: demand and receipts of a balance, the capacity."""
        index = np.ascontiguousarray(rows.ravel(), dtype=np.int32)
        self._most[index] = _flat(upper, rows)
        self._highs.changeRowsBounds(len(index), index, _flat(lower, rows), self._most[index])

    def confirm(self, resource: Ints, bucket: Ints) -> Confirmed:
        """Solve again with a little more capacity for each cell, and compare with the price; leaves things as found."""
        base, price = self.solve(), self.prices.capacity[resource, bucket]
        rows = self.model.rows.capacity[resource, bucket]
        capacity = self._most[rows]
        step = np.where(np.isfinite(capacity), np.maximum(STEP * np.abs(capacity), STEP), 0.0)
        saved = np.zeros(len(rows))
        for cell in np.flatnonzero(step > 0):
            here = rows[cell : cell + 1]
            self.bound_rows(here, -np.inf, capacity[cell] + step[cell])
            saved[cell] = (base - self.solve()) / step[cell]
            self.bound_rows(here, -np.inf, capacity[cell])
        self.solve()
        return Confirmed(price, saved, step)


def lp(model: Model) -> highspy.HighsLp:
    """The model in the solver's own form."""
    form = highspy.HighsLp()
    form.num_col_, form.num_row_ = len(model.cost), len(model.row_lower)
    form.col_cost_, form.col_lower_, form.col_upper_ = model.cost, model.lower, model.upper
    form.row_lower_, form.row_upper_ = model.row_lower, model.row_upper
    form.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    form.a_matrix_.start_ = model.matrix.indptr
    form.a_matrix_.index_ = model.matrix.indices
    form.a_matrix_.value_ = model.matrix.data
    return form


def _flat(values: Floats | float, beside: Ints) -> Floats:
    return np.ascontiguousarray(np.broadcast_to(values, beside.shape).ravel(), dtype=np.float64)
