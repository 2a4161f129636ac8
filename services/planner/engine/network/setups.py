"""Set-ups under capacity: which orders to place, by prices of capacity, then how much, by a linear programme."""

from dataclasses import dataclass

import numpy as np

from services.planner.engine.inputs import Bools, Floats
from services.planner.engine.network.inputs import Network
from services.planner.engine.network.linear import Program
from services.planner.engine.network.model import Model, releasable
from services.planner.engine.network.solution import Quantities


class Settled:
    """The linear programme of a network once it is settled which orders are placed; kept warm between settlements."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.model = Model.of(network, setups=False)
        self.program = Program(self.model)
        self._can = releasable(network.options)

    def quantities(self, ordered: Bools) -> Quantities:
        """The best quantities of the orders [m, T]; those of an order that is not worth its place are 0."""
        network, model, options = self.network, self.model, self.network.options
        most = np.where(ordered & self._can, options.largest[:, None], 0.0)
        self.program.bound_columns(model.columns.release, 0.0, most)
        taken = np.zeros_like(network.resources.capacity)
        setup = network.loads.setup_hours[:, None] * ordered[network.loads.option]
        np.add.at(taken, network.loads.resource, setup)
        room = network.resources.capacity - taken
        self.program.bound_rows(model.rows.capacity, -np.inf, room)
        self.program.forget()
        self.program.solve()
        return Quantities.of(network, model.columns, self.program.values)
