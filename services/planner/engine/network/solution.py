"""A plan of a network: what is released, what follows from it, and what it costs."""

from dataclasses import dataclass, fields
from typing import Literal, Self

import numpy as np

from services.planner.engine.inputs import Floats
from services.planner.engine.network.inputs import Mode, Network
from services.planner.engine.network.model import Columns

type Status = Literal["complete", "time_limit"]  # of a search: whether its own limits ended it, or the clock
CLEAR = 1e-9  # relative: a solver's rounding, not a quantity


@dataclass(frozen=True, slots=True)
class Costs:
    """Money over the horizon; `total` is the sum of the parts."""

    holding: float
    shortage: float  # of demand, and of the safety stock
    ordering: float
    purchase: float
    production: float
    transfer: float
    overtime: float
    waste: float

    @property
    def total(self) -> float:
        """Money."""
        return float(sum(getattr(self, field.name) for field in fields(self)))


@dataclass(frozen=True, slots=True)
class Quantities:
    """A plan in units and hours."""

    release: Floats  # [m, T]
    stock: Floats  # [n, T] at the bucket's end
    backlog: Floats  # [n, T] at the bucket's end; 0 where sales are lost
    lost: Floats  # [n, T]
    deficit: Floats  # [n, T] below the safety stock
    waste: Floats  # [n, T]
    load: Floats  # [r, T] hours, set-ups included
    overtime: Floats  # [r, T] hours

    @classmethod
    def of(cls, network: Network, columns: Columns, values: Floats) -> Self:
        """Read the columns of a solved model; whatever is released counts as an order."""
        nodes = network.nodes
        values = np.where(np.abs(values) > CLEAR * np.abs(values).max(initial=0), np.maximum(values, 0), 0.0)
        release, short = values[columns.release], values[columns.short]
        waits = nodes.backlog[:, None]
        load = loaded(network, release)
        return cls(
            release=release,
            stock=values[columns.stock],
            backlog=np.where(waits, short, 0.0),
            lost=np.where(waits, 0.0, short),
            deficit=_spread(values[columns.deficit], columns.targets, nodes.demand.shape),
            waste=_spread(values[columns.waste], columns.perishables, nodes.demand.shape),
            load=load,
            overtime=np.maximum(load - network.resources.capacity, 0),
        )

    def costs(self, network: Network) -> Costs:
        """What the plan costs by the conventions of the planner."""
        nodes, options = network.nodes, network.options
        spent = np.sum(self.release * options.unit_cost, axis=1)
        by_mode = {mode: float(spent[options.mode == mode].sum()) for mode in Mode}
        missing = np.sum((self.backlog + self.lost) * nodes.shortage_cost[:, None])
        return Costs(
            holding=float(nodes.holding_cost @ self.stock.sum(axis=1)),
            shortage=float(missing + nodes.safety_cost @ self.deficit.sum(axis=1)),
            ordering=float(np.sum(options.order_cost * (self.release > 0))),
            purchase=by_mode[Mode.BUY],
            production=by_mode[Mode.MAKE],
            transfer=by_mode[Mode.TRANSFER],
            overtime=float(network.resources.overtime_cost @ self.overtime.sum(axis=1)),
            waste=float(nodes.waste_cost @ self.waste.sum(axis=1)),
        )


@dataclass(frozen=True, slots=True)
class Result:
    """A plan, how it was found, and how far from the least cost it can be."""

    quantities: Quantities
    costs: Costs
    method: str
    bound: float  # money; no plan of the same network costs less
    status: Status = "complete"

    @property
    def gap(self) -> float:
        """Share of the cost by which a better plan could be cheaper at most."""
        return max(0.0, self.costs.total - self.bound) / max(abs(self.costs.total), 1e-9)


def loaded(network: Network, release: Floats) -> Floats:
    """[r, T] hours that releases [m, T] take, set-ups included."""
    loads = network.loads
    quantity = release[loads.option]
    hours = loads.hours[:, None] * quantity + loads.setup_hours[:, None] * (quantity > 0)
    load = np.zeros_like(network.resources.capacity)
    np.add.at(load, loads.resource, hours)
    return load


def _spread(values: Floats, rows: np.ndarray, shape: tuple[int, ...]) -> Floats:
    whole = np.zeros(shape)
    whole[rows] = values
    return whole
