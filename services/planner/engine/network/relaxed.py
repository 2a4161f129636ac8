"""What-ifs on the linear programme of a network: without a release, without overtime, with more capacity.

The programme leaves lots out and spreads order costs and set-ups over quantities, so its answers are about quantities.
"""

import numpy as np

from services.planner.engine.inputs import Floats, Ints
from services.planner.engine.network.inputs import Network
from services.planner.engine.network.linear import Program
from services.planner.engine.network.model import Model
from services.planner.engine.network.solution import loaded

MOST_PRICES = 50  # cells of capacity whose price is looked at
FULL = 1e-6  # relative: nearer to the capacity is at it


class Relaxed:
    """The linear programme of a network, solved."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._model = Model.of(network)
        self._program = Program(self._model)
        self._cost = self._program.solve()

    def regrets(self, option: Ints, bucket: Ints, review: Ints) -> Floats:
        """[k] what it costs more where nothing is released of an option in `review` buckets from a bucket on."""
        columns = self._model.columns.release
        orders = zip(option.tolist(), bucket.tolist(), review.tolist(), strict=True)
        return np.array([self._without(columns[which, start : start + length]) for which, start, length in orders])

    def without_overtime(self) -> Floats:
        """[r] what it costs more without the overtime of a resource."""
        return np.array([self._without(columns) for columns in self._model.columns.overtime])

    def prices(self) -> tuple[Ints, Ints, Floats]:
        """Resource, bucket and price of an hour where all are taken and solving again with more confirms the price."""
        capacity = self._network.resources.capacity
        load = loaded(self._network, self._program.values[self._model.columns.release])
        full = np.argwhere(np.isfinite(capacity) & (load > capacity - FULL * np.maximum(capacity, 1)))
        order = np.argsort(-(load - capacity)[tuple(full.T)], kind="stable")[:MOST_PRICES]
        resource, bucket = full[order].T
        found = self._program.confirm(resource, bucket)
        shown = found.agrees & (found.price > 0)
        return resource[shown], bucket[shown], found.price[shown]

    def _without(self, columns: Ints) -> float:
        self._program.bound_columns(columns, 0.0, 0.0)
        found = max(self._program.solve() - self._cost, 0.0)
        self._program.bound_columns(columns, 0.0, self._model.upper[columns])
        return found
