"""The numbers of a plan: item-locations that share nothing by themselves, the others as a network."""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from services.planner.engine import plan as alone_engine
from services.planner.engine.inputs import Ints
from services.planner.engine.network import plan as network_engine
from services.planner.engine.network.coupling import components, tight
from services.planner.engine.network.echelons import placed
from services.planner.engine.network.explosion import exploded
from services.planner.engine.network.inputs import Network
from services.planner.engine.network.projection import Projection, project
from services.planner.engine.network.relaxed import Relaxed
from services.planner.engine.network.setups import Effort
from services.planner.engine.network.solution import loaded
from services.planner.plans.inputs import Inputs
from services.planner.plans.network import Web, candidates, in_play, outgrown, web
from shared.paths import sample

THREADS = 2
SPREAD: ContextVar[alone_engine.Spread | None] = ContextVar("SPREAD", default=None)  # where plans are computed
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
class Alone:
    """Item-locations that are planned each by itself: `plan` has those `rows` of the inputs."""

    rows: Ints
    plan: alone_engine.Plan

    @classmethod
    def of(cls, known: Inputs, rows: Ints, paths: int, progress: Callable[[int], None] | None = None) -> Self:
        """Plan some rows, at least one."""
        every = len(rows) == len(known.terms)
        supply, demand = (known.supply, known.demand) if every else (known.supply.rows(rows), known.demand.rows(rows))
        spread = SPREAD.get()
        found = alone_engine.plan(supply, demand, paths=paths, threads=THREADS, spread=spread, progress=progress)
        return cls(rows, found)

    def beside(self, other: Self) -> Self:
        """This and other rows in one plan: the same numbers as planned at once."""
        rows = np.concatenate([self.rows, other.rows])
        order = np.argsort(rows)
        mine, its = ((one.plan.orders, one.plan.lines, one.plan.exact) for one in (self, other))
        orders, lines, exact = alone_engine.restored([mine, its], order)
        tallies = _summed(self.plan.tallies, other.plan.tallies)
        return type(self)(rows[order], alone_engine.Plan(orders, lines, exact, tallies))

    def of_these(self, rows: Ints) -> Self:
        """What is told of some of the rows; the sums stay those of all."""
        places = np.searchsorted(self.rows, rows)
        whole = (self.plan.orders, self.plan.lines, self.plan.exact)
        orders, lines, exact = alone_engine.restored([whole], places)
        return type(self)(rows, replace(self.plan, orders=orders, lines=lines, exact=exact))


@dataclass(frozen=True)
class Coupled:
    """What is planned together, as `web`, if anything is; `candidates` are the rows that were looked at for that."""

    candidates: Alone | None
    web: Web | None


@dataclass(frozen=True)
class Whole:
    """A plan of all rows of the inputs, of which some are planned together; `alone` has the others."""

    alone: Alone | None
    together: Together
    tallies: alone_engine.Tallies


def coupled(known: Inputs, paths: int) -> Coupled:
    """What of the inputs is to be planned together, found from a plan of each candidate by itself."""
    play = in_play(known)
    rows = candidates(known, play)
    if not len(rows):
        return Coupled(None, None)
    first = Alone.of(known, rows, paths)
    lines = first.plan.lines
    found = web(known, rows, play, lines.safety_stock)
    release = exploded(found.network, found.first(known), lines.planned_releases)
    binding = tight(found.network, loaded(found.network, release))
    chosen = np.flatnonzero(found.coupled | found.loading(binding) | outgrown(known, rows, lines))
    return Coupled(first, found.part(chosen) if len(chosen) else None)


def whole(known: Inputs, first: Alone, coupled: Web, paths: int, beat: Callable[[int, int], None]) -> Whole:
    """Plan all rows, those of the web together. first: the candidates, each planned by itself."""
    total = len(known.terms)
    beat(0, total)
    rest = np.setdiff1d(np.arange(total), coupled.rows)
    beside = first if len(first.rows) == len(coupled.rows) else Alone.of(known, coupled.rows, paths)
    together = _together(known, coupled, paths)
    _, nothing, benchmark = beside.plan.tallies
    tallies = (together.projection.tally, nothing, benchmark)
    if not len(rest):
        return Whole(None, together, tallies)
    alone = Alone.of(known, rest, paths, lambda done: beat(len(coupled.rows) + done, total))
    return Whole(alone, together, _summed(tallies, alone.plan.tallies))


def _together(known: Inputs, coupled: Web, paths: int) -> Together:
    supply, demand = known.supply.rows(coupled.rows), known.demand.rows(coupled.rows)
    drawn = sample(demand.levels, demand.grid, demand.mean, rho=demand.rho, seeds=demand.seeds, paths=paths)
    nodes = replace(coupled.network.nodes, safety_stock=placed(coupled.network, supply, drawn))
    network = replace(coupled.network, nodes=nodes)
    found = network_engine.plan(network, effort=_effort(network), spread=SPREAD.get())
    together = Together(
        replace(coupled, network=network), found, drawn, project(network, supply, found.quantities.release, drawn), []
    )
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
