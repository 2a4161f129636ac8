"""The numbers of a plan: item-locations that share nothing by themselves, the others as a network."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from services.planner.engine import plan as alone_engine
from services.planner.engine.inputs import Floats, Ints
from services.planner.engine.kpis import Comparison
from services.planner.engine.network import plan as network_engine
from services.planner.engine.network.coupling import components, tight
from services.planner.engine.network.explosion import exploded
from services.planner.engine.network.inputs import Network
from services.planner.engine.network.projection import Projection, project
from services.planner.engine.network.relaxed import Relaxed
from services.planner.engine.network.setups import Effort
from services.planner.engine.network.solution import loaded
from services.planner.engine.projection import Lines
from services.planner.plans.inputs import Inputs
from services.planner.plans.network import Web, candidates, in_play, web
from shared.paths import sample

SECONDS = 60.0  # of the clock for mixed-integer search in a whole plan, a sixth of it in one part at most
CELLS = 4 * Effort().cells  # orders that could be placed in all parts that are searched in this way


@dataclass(frozen=True)
class Together:
    """Item-locations that are planned as a network, and what that comes to."""

    web: Web
    plan: network_engine.NetworkPlan
    paths: np.ndarray  # [n, S, T] of independent demand
    projection: Projection
    prices: list[network_engine.CapacityPrices]  # of each part; resource: rows of the web

    def piece(self, part: network_engine.Part) -> tuple[Network, Ints]:
        """The network that a part was planned in, where what does not bind has no limit, and its resources' rows."""
        network, _, resources = self.web.network.part(part.nodes)
        limited = np.isin(resources, part.resources)[:, None]
        capacity = np.where(limited, network.resources.capacity, np.inf)
        return replace(network, resources=replace(network.resources, capacity=capacity)), resources


@dataclass(frozen=True)
class Planned:
    """A plan of all rows of the inputs; `alone` has `rows` of them, None where all are planned together."""

    rows: Ints
    alone: alone_engine.Plan | None
    together: Together | None
    tallies: alone_engine.Tallies

    def measures(self, known: Inputs) -> dict[str, Floats]:
        """What a plan's lines hold, by name: [n, T] each."""
        shape = known.demand.mean.shape
        names = [field.name for field in fields(Lines)]
        found = {name: np.zeros(shape) for name in (*names, "dependent_demand")}
        for name in names:
            if self.alone is not None:
                found[name][self.rows] = getattr(self.alone.lines, name)
            if self.together is not None:
                found[name][self.together.web.rows] = getattr(self.together.projection.lines, name)
        if self.together is not None:
            found["dependent_demand"][self.together.web.rows] = self.together.projection.dependent
        net = known.demand.mean - known.orders
        return found | {"open_orders": known.orders, "net_forecast": net}

    @property
    def outputs(self) -> list[Any]:
        """What was computed, beside the sums."""
        alone = [self.alone.orders, self.alone.lines] if self.alone else []
        return alone + ([self.together.plan.quantities, self.together.projection.lines] if self.together else [])

    def comparison(self, periods: int) -> Comparison:
        return alone_engine.comparison(self.tallies, periods)


def planned(known: Inputs, paths: int, beat: Callable[[int, int], None]) -> Planned:
    """Plan n >= 1 item-locations."""
    total = len(known.terms)
    play = in_play(known)
    rows = candidates(known, play)
    coupled, first = _coupled(known, rows, play, paths) if len(rows) else (None, None)
    if coupled is None:
        whole = _alone(known, np.arange(total), paths, lambda done: beat(done, total))
        return Planned(np.arange(total), whole, None, whole.tallies)
    beat(0, total)
    rest = np.setdiff1d(np.arange(total), coupled.rows)
    beside = first if first and len(rows) == len(coupled.rows) else _alone(known, coupled.rows, paths)
    together = _together(known, coupled, paths)
    _, nothing, benchmark = beside.tallies
    tallies = (together.projection.tally, nothing, benchmark)
    if not len(rest):
        return Planned(rest, None, together, tallies)
    alone = _alone(known, rest, paths, lambda done: beat(len(coupled.rows) + done, total))
    return Planned(rest, alone, together, _summed(tallies, alone.tallies))


def _alone(known: Inputs, rows: Ints, paths: int, progress: Callable[[int], None] | None = None) -> alone_engine.Plan:
    return alone_engine.plan(known.supply.rows(rows), known.demand.rows(rows), paths=paths, progress=progress)


def _coupled(known: Inputs, rows: Ints, play: np.ndarray, paths: int) -> tuple[Web | None, alone_engine.Plan]:
    """What of `rows` is to be planned together, found from a plan of each by itself; None where nothing is."""
    first = _alone(known, rows, paths)
    whole = web(known, rows, play, first.lines.safety_stock)
    release = exploded(whole.network, whole.first(known), first.lines.planned_releases)
    binding = tight(whole.network, loaded(whole.network, release))
    chosen = np.flatnonzero(whole.coupled | whole.loading(binding))
    return (whole.part(chosen) if len(chosen) else None), first


def _together(known: Inputs, coupled: Web, paths: int) -> Together:
    network = coupled.network
    supply, demand = known.supply.rows(coupled.rows), known.demand.rows(coupled.rows)
    found = network_engine.plan(network, effort=_effort(network))
    drawn = sample(demand.levels, demand.grid, demand.mean, rho=demand.rho, seeds=demand.seeds, paths=paths)
    together = Together(coupled, found, drawn, project(network, supply, found.quantities.release, drawn), [])
    return replace(together, prices=[_prices(together, part) for part in found.parts])


def _effort(network: Network) -> Effort:
    """Less for each part where there are many; a part that the clock ends says so."""
    parts = len(components(network, np.ones(len(network.resources), dtype=bool)))
    return Effort(seconds=min(SECONDS / 6, SECONDS / parts), cells=min(Effort().cells, CELLS // parts))


def _prices(together: Together, part: network_engine.Part) -> network_engine.CapacityPrices:
    """Where orders cost nothing but their quantity, prices are those of quantities in any lot."""
    network, resources = together.piece(part)
    placing = np.any(network.options.order_cost > 0) or np.any(network.loads.setup_hours > 0)
    if placing or len(part.resources) == 0:
        return part.prices
    resource, bucket, price = Relaxed(network).prices()
    return network_engine.CapacityPrices(resources[resource], bucket, price)


def _summed(left: alone_engine.Tallies, right: alone_engine.Tallies) -> alone_engine.Tallies:
    first, second, third = (one + other for one, other in zip(left, right, strict=True))
    return first, second, third
