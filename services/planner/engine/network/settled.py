"""Quantities once it is settled which orders are placed, and a search over single changes of that."""

from collections.abc import Iterator

import numpy as np

from services.planner.engine.inputs import Bools, Floats, Ints
from services.planner.engine.network.inputs import Network
from services.planner.engine.network.linear import Confirmed, Program
from services.planner.engine.network.model import Model, releasable
from services.planner.engine.network.solution import Quantities, loaded
from services.planner.engine.network.solver import NotSolvedError

GAIN = 1e-7  # relative: less is rounding


class Settled:
    """The linear programme of a network once it is settled which orders are placed; kept warm between settlements."""

    def __init__(self, network: Network, *, threads: int = 1) -> None:
        self.network = network
        self.can = releasable(network.options)
        self._model = Model.of(network, setups=False)
        self._program = Program(self._model, threads=threads)
        self._ordered = np.zeros_like(self.can)
        self._stiff = (network.options.multiple > 0) | np.isfinite(network.options.split)
        self._program.bound_columns(self._model.columns.release, 0.0, 0.0)
        self._program.bound_rows(self._model.rows.shares, -np.inf, np.inf)  # of whole orders, met about
        self._taken = np.zeros_like(network.resources.capacity)

    def cost(self, ordered: Bools) -> float:
        """What the best quantities of the orders [m, T] cost, each order paid for; inf where there are none."""
        self._settle(ordered)
        return self._solved(ordered)

    def _solved(self, ordered: Bools) -> float:
        try:
            return self._program.solve() + float(np.sum(self.network.options.order_cost * ordered))
        except NotSolvedError:
            return np.inf

    def _settle(self, ordered: Bools) -> None:
        """Open the columns of the orders, and take their set-ups out of the capacity."""
        network, columns, loads = self.network, self._model.columns, self.network.loads
        changed = np.nonzero(ordered != self._ordered)
        options = network.options
        placed = ordered[changed] & self.can[changed]
        least = np.where(placed, options.smallest[changed[0]], 0.0)
        most = np.where(placed, options.largest[changed[0]], 0.0)
        self._program.bound_columns(columns.release[changed], least, most)
        taken = np.zeros_like(self._taken)
        np.add.at(taken, loads.resource, loads.setup_hours[:, None] * ordered[loads.option])
        cells = np.nonzero(taken != self._taken)
        room = network.resources.capacity[cells] - taken[cells]
        self._program.bound_rows(self._model.rows.capacity[cells], -np.inf, room)
        self._ordered, self._taken = ordered.copy(), taken

    def quantities(self, ordered: Bools) -> Quantities:
        """The best quantities of the orders [m, T]; an order that is worth none is not placed."""
        self.cost(ordered)
        return Quantities.of(self.network, self._model.columns, self._program.values)

    def standing(self, release: Floats) -> tuple[Quantities | None, float]:
        """The best plan, and its cost, in which the lots among releases [m, T] stand as they are.

        Orders of options without a multiple or a share get the best quantities. None and inf where none fit.
        """
        ordered, options = release > 0, self.network.options
        self._settle(ordered)
        columns = self._model.columns.release
        cells = np.nonzero(ordered & self._stiff[:, None])
        self._program.bound_columns(columns[cells], release[cells], release[cells])
        found = None
        if np.isfinite(self._solved(ordered)):
            found = Quantities.of(self.network, self._model.columns, self._program.values)
        self._program.bound_columns(columns[cells], options.smallest[cells[0]], options.largest[cells[0]])
        return found, np.inf if found is None else found.costs(self.network).total

    def around(self, release: Floats) -> Quantities:
        """What follows from releases [m, T] that stand."""
        ordered = release > 0
        rows, columns = self._model.rows, self._model.columns
        load, resources = loaded(self.network, release), self.network.resources
        self._settle(ordered)
        self._program.bound_columns(columns.release, release, release)
        # what stands may exceed the capacity by a solver's rounding
        setup = self._taken
        room = np.maximum(resources.capacity, load - resources.overtime) - setup
        self._program.bound_rows(rows.capacity, -np.inf, room)
        self._program.solve()
        found = Quantities.of(self.network, columns, self._program.values)
        self._program.bound_columns(columns.release, 0.0, 0.0)
        self._program.bound_rows(rows.capacity, -np.inf, resources.capacity - setup)
        self._ordered = np.zeros_like(ordered)
        return found

    def confirm(self, release: Floats, resource: Ints, bucket: Ints) -> Confirmed:
        """Prices of capacity beside what a little more of it saves, the orders among releases [m, T] settled."""
        self._settle(release > 0)
        cells = np.nonzero((release > 0) & self._stiff[:, None])
        columns, options = self._model.columns.release, self.network.options
        self._program.bound_columns(columns[cells], release[cells], release[cells])
        confirmed = self._program.confirm(resource, bucket)
        self._program.bound_columns(columns[cells], options.smallest[cells[0]], options.largest[cells[0]])
        return confirmed

    def forget(self) -> None:
        """Start anew, where the orders are quite different ones."""
        self._program.forget()


def polished(settled: Settled, ordered: Bools, trials: int, seed: int = 0) -> tuple[Bools, float]:
    """Orders after a search over single changes, with some rounds of random changes, and their cost.

    ordered: [m, T]. A change drops an order, places one, or moves one to the bucket before or after. trials: linear
    programmes to solve at most.
    """
    random = np.random.default_rng(seed)
    best, least, left = _descended(settled, ordered & settled.can, trials, random)
    cells = np.argwhere(settled.can)
    while left > 0:
        shaken = best.copy()
        near = cells[np.abs(cells[:, 1] - random.integers(best.shape[1])) <= 1]
        for option, bucket in near[random.random(len(near)) < 4 / max(len(near), 1)]:
            shaken[option, bucket] ^= True
        found, cost, left = _descended(settled, shaken, left - 1, random)
        if cost < least * (1 - GAIN):
            best, least = found, cost
    return best, least


def _descended(settled: Settled, ordered: Bools, trials: int, random: np.random.Generator) -> tuple[Bools, float, int]:
    """The first orders found that no single change improves, their cost, and the trials that are left."""
    least, stale, left = settled.cost(ordered), 0, trials
    moves = list(_moves(settled.can))
    while stale < len(moves) and left > 0:
        for which in random.permutation(len(moves)):
            stale += 1
            if _sensible(ordered, moves[which]):
                changed = ordered.copy()
                changed[moves[which]] ^= True
                cost, left = settled.cost(changed), left - 1
                if cost < least * (1 - GAIN):
                    ordered, least, stale = changed, cost, 0
            if stale >= len(moves) or left <= 0:
                break
    return ordered, least, left


def _moves(can: Bools) -> Iterator[tuple[Ints, Ints]]:
    """Cells to turn over together: one alone, or two neighbouring buckets."""
    for option, bucket in np.argwhere(can):
        yield np.array([option]), np.array([bucket])
    for option, bucket in np.argwhere(can[:, 1:] & can[:, :-1]):
        yield np.array([option, option]), np.array([bucket, bucket + 1])


def _sensible(ordered: Bools, cells: tuple[Ints, Ints]) -> bool:
    """Whether a pair of cells moves an order, and does not place or drop two."""
    return len(cells[0]) == 1 or bool(ordered[cells].sum() == 1)
