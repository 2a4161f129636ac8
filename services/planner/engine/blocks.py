"""Plans of like item-locations side by side: by rule on sampled paths, or exactly where demand is certain.

By rule, the first order is the least-cost lot on the paths over the reviews that it covers, and later releases follow
reorder points. Exactly, all releases together are the cheapest that there are, by dynamic programming.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from services.planner.engine.cover import cover
from services.planner.engine.dynamic import schedule
from services.planner.engine.evidence import Evidence, evidence
from services.planner.engine.inputs import Demand, Floats, Ints, Supply
from services.planner.engine.kpis import Tally, Totals
from services.planner.engine.lateness import lateness
from services.planner.engine.levels import levels
from services.planner.engine.lingering import lingering
from services.planner.engine.order import order_quantity
from services.planner.engine.policies import benchmark, planned, scheduled
from services.planner.engine.projection import Lines
from services.planner.engine.renewal import Renewal
from services.planner.engine.rollout import roll
from services.planner.engine.tuning import tuned
from services.planner.engine.window import Window, open_window
from shared.paths import sample

WINDOW_PATHS = 2  # times as many as a plan is simulated on: a quantile of sums needs more than their mean does
DEAR = 1000  # times what a unit costs to order and to hold over the horizon: the shortage cost of a service target


@dataclass(frozen=True, slots=True)
class Block:
    """What is told of n item-locations."""

    orders: Evidence  # [n]
    lines: Lines  # [n, T]
    tallies: tuple[Tally, Tally, Tally]  # plan, nothing, benchmark


def by_rule(supply: Supply, demand: Demand, reviews: Ints, count: int) -> Block:
    """Plan on `count` paths, one where demand is certain; reviews [n, T]: those that an order lasts.

    By cost, no item-location's plan is dearer than doing nothing: where it would be, nothing is ordered.
    """
    certain = bool(np.all(demand.certain & (supply.lead_spread == 0)))
    late = lateness(supply, demand.seeds, count) if np.any(supply.lead_spread > 0) else None
    drawn = _known(demand) if certain else _sampled(demand, count)
    at_once = _first_order(supply)
    lasting = _first(at_once, reviews if at_once is supply else cover(at_once, demand.mean))
    base = levels(supply, demand.mean, drawn, reviews, late)
    window = _window(at_once, demand, lasting, drawn if certain else None, count)
    if not certain:
        lasted = lingering(at_once, drawn, base.reorder_point)
        window = replace(window, lingering=np.where(supply.targeted, 1.0, lasted))
    renewal = None if certain else Renewal.of(at_once, window, demand.mean)
    first = np.where(_first(supply, supply.closed), 0.0, order_quantity(at_once, window, renewal))
    later = tuned(supply, drawn, first, base)
    pays = later.pays
    nothing = Totals.of(supply, drawn)
    while True:
        plan = Totals(supply, drawn)
        policy = planned(supply, first, later.levels, pays)
        lines = Lines.of(supply, later.levels, first, plan.watch(roll(supply, drawn, policy)))
        dear = plan.cost() > nothing.cost()
        dear &= ~supply.targeted & (pays | (first > 0))
        if not np.any(dear):
            break
        first, pays = np.where(dear, 0.0, first), pays & ~dear
    usual = Totals.of(supply, drawn, benchmark(supply, demand.recent, drawn))
    tallies = (plan.tally(), nothing.tally(), usual.tally())
    return Block(
        orders=evidence(at_once, window, later.levels, first, _renewed(renewal)),
        lines=lines,
        tallies=tuple(tally.on(count) for tally in tallies) if certain else tallies,  # type: ignore[arg-type]
    )


def exactly(supply: Supply, demand: Demand, reviews: Ints, count: int) -> Block:
    """Plan certain demand, of rows that are `dynamic.solvable`, at the least cost of holding, shortage and ordering.

    Of the purchase only what is paid above the lowest price counts: bought goods keep their value. With a service
    target no shortage is accepted that an order can avert.
    """
    mean = demand.mean
    costed = _averse(supply, mean)
    releases = schedule(costed, mean, ~supply.closed).releases
    first = _first(supply, releases)
    drawn = _known(demand)
    plan, nothing = Totals(supply, drawn), Totals.of(supply, drawn)
    base = levels(supply, mean, drawn, reviews)
    lines = Lines.of(supply, base, first, plan.watch(roll(supply, drawn, scheduled(releases))))
    usual = Totals.of(supply, drawn, benchmark(supply, demand.recent, drawn))
    at_once = _first_order(supply)
    window = open_window(at_once, drawn, _lasting(at_once, releases))
    return Block(
        orders=evidence(at_once, window, base, first, _worth(costed, mean)),
        lines=lines,
        tallies=(plan.tally().on(count), nothing.tally().on(count), usual.tally().on(count)),
    )


def _window(supply: Supply, demand: Demand, lasting: Ints, known: Floats | None, count: int) -> Window:
    """The window of the first order, on paths of its own: it decides at once, on sums of few buckets."""
    if known is not None:
        return open_window(supply, known, lasting)
    many = WINDOW_PATHS * count
    late = lateness(supply, demand.seeds, many) if np.any(supply.lead_spread > 0) else None
    until = int(np.max(supply.arrival + np.maximum(lasting, 1) * supply.review))
    near = replace(demand, grid=demand.grid[:, :until], mean=demand.mean[:, :until])
    return open_window(supply, _sampled(near, many), lasting, late)


def _renewed(renewal: Renewal | None) -> Callable[[Floats], Floats] | None:
    """Net benefit [n] of a first release [n], where orders cost money; NaN elsewhere."""
    if renewal is None:
        return None

    def worth(quantity: Floats) -> Floats:
        found = np.full(len(quantity), np.nan)
        found[renewal.rows] = renewal.worth(quantity[renewal.rows])
        return found

    return worth


def _first_order(supply: Supply) -> Supply:
    """The supply as the first order sees it: reviewed next when something can be released again."""
    return replace(supply, review=supply.gap) if np.any(supply.closed) else supply


def _first[T: np.generic](supply: Supply, values: NDArray[T]) -> NDArray[T]:
    """[n] what values [n, T] are in the bucket of the first release."""
    return np.asarray(values[np.arange(len(values)), supply.fence])


def _known(demand: Demand) -> Floats:
    """[n, 1, T] the one path of certain demand."""
    return np.ascontiguousarray(demand.mean.T)[:, :, None].transpose(1, 2, 0)


def _sampled(demand: Demand, count: int) -> np.ndarray:
    """[n, S, T] paths, laid out as they are read: a bucket at a time."""
    drawn = sample(demand.levels, demand.grid, demand.mean, rho=demand.rho, seeds=demand.seeds, paths=count)
    return np.ascontiguousarray(drawn.transpose(2, 0, 1)).transpose(1, 2, 0)


def _averse(supply: Supply, mean: Floats) -> Supply:
    """The same supply with a shortage cost in place of each service target that outweighs every other cost."""
    asked = np.count_nonzero(mean > 0, axis=1)
    usual = np.divide(mean.sum(axis=1), asked, out=np.ones(len(mean)), where=asked > 0)
    per_unit = supply.surcharge.max(axis=1) + supply.order_cost.max(axis=1) / usual
    dear = DEAR * (supply.holding_cost * mean.shape[1] + per_unit)
    by_cost = np.isfinite(supply.shortage_cost)
    nothing = np.full(len(mean), np.nan)
    cost = np.where(by_cost, supply.shortage_cost, dear)
    return replace(supply, shortage_cost=cost, service_target=nothing, fill_target=nothing)


def _lasting(supply: Supply, releases: Floats) -> Ints:
    """[n] reviews until the next release that follows the first in releases [n, T], or the horizon ends."""
    periods = releases.shape[1]
    following = (releases > 0) & (np.arange(periods) > supply.fence[:, None])
    room = (periods - supply.arrival) // supply.review
    until = (np.argmax(following, axis=1) - supply.fence) // supply.review
    return np.where(np.any(following, axis=1), until, room)


def _worth(supply: Supply, mean: Floats) -> Callable[[Floats], Floats]:
    """Net benefit [n] of a first release [n]: by how much the cheapest plan without any costs more."""
    rows, periods = np.arange(len(mean)), mean.shape[1]
    later = ~supply.closed & (np.arange(periods) != supply.fence[:, None])

    def least(quantity: Floats) -> Floats:
        receipts = supply.receipts.copy()
        receipts[rows, supply.arrival] += quantity
        rest = schedule(replace(supply, receipts=receipts), mean, later)
        return rest.cost + supply.ordering * (quantity > 0) + extra * quantity

    extra = _first(supply, supply.surcharge)
    waiting = least(np.zeros(len(mean)))
    return lambda quantity: waiting - least(quantity)
