"""The plan of a network: what must be planned together, each part by the tier that it needs, and the whole of it.

A part without lots, order costs and set-ups is a linear programme and solved to its optimum; one with them whose
item-locations share capacity only goes to `setups`; any other is rounded to lots from its linear programme.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from itertools import starmap

import numpy as np

from services.planner.engine.inputs import Bools, Floats, Ints
from services.planner.engine.network.coupling import components, tight
from services.planner.engine.network.inputs import Network
from services.planner.engine.network.linear import Confirmed, Program
from services.planner.engine.network.model import Model
from services.planner.engine.network.preference import preferring
from services.planner.engine.network.settled import Settled
from services.planner.engine.network.setups import Effort, ordered
from services.planner.engine.network.solution import Costs, Quantities, Result, loaded
from services.planner.engine.network.units import Units
from services.planner.engine.plan import Spread

DEFAULT = Effort()
MOST_PRICES = 50  # cells of capacity, of a part, whose price is looked at
FULL = 1e-6  # relative: nearer to the capacity is at it


@dataclass(frozen=True, slots=True)
class CapacityPrices:
    """What an hour of capacity saves, confirmed by solving again with a little more; one row per cell."""

    resource: Ints
    bucket: Ints
    price: Floats  # money per hour; with lots, of quantities alone: the orders stay those of the plan


@dataclass(frozen=True, slots=True)
class Part:
    """What was planned together. Rows are those of the whole; quantities have the part's own."""

    nodes: Ints
    options: Ints
    resources: Ints  # with a capacity that this part has for itself
    result: Result
    prices: CapacityPrices  # resource: rows of the whole


@dataclass(frozen=True, slots=True)
class NetworkPlan:
    """A plan of the whole network."""

    quantities: Quantities
    costs: Costs
    bound: float
    binding: Bools  # [r] resources whose capacity was planned with; the others have enough of it
    parts: list[Part]  # largest first

    @property
    def gap(self) -> float:
        """Share of the cost by which a better plan could be cheaper at most."""
        return max(0.0, self.costs.total - self.bound) / max(abs(self.costs.total), 1e-9)


def plan(
    network: Network, *, load: Floats | None = None, effort: Effort = DEFAULT, spread: Spread | None = None
) -> NetworkPlan:
    """Plan a network without a cycle in its bills of material.

    load: [r, T] hours of a plan that ignores capacity, which say what binds; made here where none is given. spread:
    what plans the parts, be it on other machines. Raises
    NotSolvedError where the solver fails.
    """
    binding = tight(network, _uncoupled(network) if load is None else load)
    done: dict[tuple[bytes, bytes], Part] = {}
    while True:
        found = (_Piece.of(network, nodes, binding) for nodes in components(network, binding))
        pieces = {piece.key: piece for piece in found}
        fresh = {key: piece for key, piece in pieces.items() if key not in done}
        planned = (spread or starmap)(_planned, ((piece, effort) for piece in fresh.values()))
        done |= zip(fresh, planned, strict=True)
        parts = [done[key] for key in pieces]
        whole = _whole(network, parts)
        over = np.any(whole.load > network.resources.capacity * (1 + FULL), axis=1) & ~binding
        if not np.any(over):
            bound = sum(part.result.bound for part in parts)
            return NetworkPlan(whole, whole.costs(network), bound, binding, parts)
        binding = binding | over


def lotted(network: Network) -> bool:
    """Whether it matters which orders are placed: order costs, set-ups under capacity, or lots."""
    options, loads = network.options, network.loads
    limited = np.any(np.isfinite(network.resources.capacity), axis=1)
    set_up = np.any((loads.setup_hours > 0) & limited[loads.resource])
    return bool(set_up or np.any(options.order_cost > 0) or np.any(options.smallest > 0))


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part before it is planned; what does not bind has no limit here."""

    network: Network
    nodes: Ints
    options: Ints
    resources: Ints
    bound: Ints  # of them, those that bind

    @classmethod
    def of(cls, whole: Network, nodes: Ints, binding: Bools) -> "_Piece":
        network, options, resources = whole.part(nodes)
        capacity = np.where(binding[resources, None], network.resources.capacity, np.inf)
        network = replace(network, resources=replace(network.resources, capacity=capacity))
        return cls(network, nodes, options, resources, resources[binding[resources]])

    @property
    def key(self) -> tuple[bytes, bytes]:
        return self.nodes.tobytes(), self.bound.tobytes()

    def planned(self, effort: Effort) -> Part:
        network = preferring(self.network)
        if lotted(network):
            result = ordered(network, effort)
            settled, release = Settled(network), result.quantities.release
            prices = self._prices(lambda *cells: settled.confirm(release, *cells), result.quantities)
        else:
            model = Model.of(network)
            program = Program(model)
            cost = program.solve()
            quantities = Quantities.of(network, model.columns, program.values)
            result = Result(quantities, quantities.costs(network), "linear_program", cost)
            prices = self._prices(program.confirm, quantities)
        costs = result.quantities.costs(self.network)
        result = replace(result, costs=costs, bound=min(result.bound, costs.total))  # without what preference adds
        return Part(self.nodes, self.options, self.bound, result, prices)

    def _prices(self, confirm: Callable[[Ints, Ints], Confirmed], plan: Quantities) -> CapacityPrices:
        """Prices of the cells that are full, the fullest in overtime first, as far as they are confirmed."""
        capacity = self.network.resources.capacity
        over = plan.load - capacity
        full = np.argwhere(np.isfinite(capacity) & (over > -FULL * np.maximum(capacity, 1)))
        order = np.argsort(-over[tuple(full.T)], kind="stable")[:MOST_PRICES]
        resource, bucket = full[order].T
        found = confirm(resource, bucket)
        shown = found.agrees & (found.price > 0)
        return CapacityPrices(self.resources[resource[shown]], bucket[shown], found.price[shown])


def _uncoupled(network: Network) -> Floats:
    """[r, T] hours of a plan that ignores capacity."""
    free = replace(
        network, resources=replace(network.resources, capacity=np.full_like(network.resources.capacity, np.inf))
    )
    release = np.zeros_like(network.options.unit_cost)
    for nodes in components(network, np.zeros(len(network.resources), dtype=bool)):
        part, options, _ = free.part(nodes)
        if len(part.uses):
            model = Model.of(part)
            program = Program(model)
            program.solve()
            release[options] = Quantities.of(part, model.columns, program.values).release
    alone = np.flatnonzero(~np.isin(np.arange(len(network.nodes)), _entangled(network)))
    part, options, _ = free.part(alone)
    release[options] = Units.of(part).choose(part.options.unit_cost, part.options.order_cost).release
    return loaded(network, release)


def _entangled(network: Network) -> Ints:
    """Item-locations that use something or are used."""
    return np.concatenate([network.options.node[network.uses.option], network.uses.node])


def _planned(piece: _Piece, effort: Effort) -> Part:
    return piece.planned(effort)


def _whole(network: Network, parts: list[Part]) -> Quantities:
    """The quantities of all parts."""
    shape = network.nodes.demand.shape
    table = {field.name: np.zeros(shape) for field in fields(Quantities)}
    table["release"] = np.zeros_like(network.options.unit_cost)
    for part in parts:
        for name, values in table.items():
            if name == "release":
                values[part.options] = part.result.quantities.release
            elif name not in ("load", "overtime"):
                values[part.nodes] = getattr(part.result.quantities, name)
    table["load"] = loaded(network, table["release"])
    table["overtime"] = np.maximum(table["load"] - network.resources.capacity, 0)
    return Quantities(**table)
