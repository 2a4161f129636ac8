"""Lots, set-ups and order costs where item-locations use each other: from the linear programme to whole orders.

Two ways, of which the cheaper is kept. Downward, in low-level-code order: the parents' orders by lot sizing at the
prices of the linear programme, then what they use as demand of the components. Upward, from the components: the
linear programme's releases in lots, then the programme again for what is made of them; that way always ends in a plan.

Source: section 4.4 of the planner's notes; Orlicky (1975), Material requirements planning.
"""

from dataclasses import replace

import numpy as np

from services.planner.engine.inputs import Bools, Floats, Ints
from services.planner.engine.network.coupling import levels
from services.planner.engine.network.inputs import Loads, Network, Options, Resources, Uses
from services.planner.engine.network.linear import Prices, Program
from services.planner.engine.network.model import Model, releasable, sharing
from services.planner.engine.network.prices import per_option
from services.planner.engine.network.settled import Settled
from services.planner.engine.network.solution import Quantities, loaded
from services.planner.engine.network.solver import NotSolvedError
from services.planner.engine.network.units import Units

ENOUGH = 1e-6  # relative: a shortfall below it is a solver's rounding


def rounded(network: Network, settled: Settled) -> tuple[Quantities, float]:
    """A plan in lots, and a bound: the cost of the linear programme."""
    model = Model.of(network)
    program = Program(model)
    bound = program.solve()
    wish, prices = program.values[model.columns.release], program.prices
    ways = [settled.standing(release) for release in (_downward(network, wish, prices), _upward(network))]
    ways.append(settled.standing(np.zeros_like(wish)))
    best = min((plan for plan, _ in ways if plan is not None), key=lambda plan: plan.costs(network).total)
    return best, bound


def in_lots(options: Options, group: Ints, wish: Floats) -> Floats:
    """Releases in lots that keep up with `wish` [m, T]: what its orders of a `group` [m] bring in sum up to a bucket.

    What is beyond an option's largest order follows in its next buckets.
    """
    periods = wish.shape[1]
    release, open_ = np.zeros_like(wish), releasable(options)
    asked, made = np.zeros(int(group.max(initial=-1)) + 1), np.zeros(int(group.max(initial=-1)) + 1)
    left: Bools = np.zeros(len(options), dtype=bool)
    for arrival in range(periods):
        for turn in _turns(group):
            here = turn[arrival >= options.lead_time[turn]]
            option = here[open_[here, arrival - options.lead_time[here]]]
            bucket = arrival - options.lead_time[option]
            np.add.at(asked, group[option], wish[option, bucket])
            short = asked[group[option]] - made[group[option]]
            due = (short > ENOUGH * np.maximum(asked[group[option]], 1)) & ((wish[option, bucket] > 0) | left[option])
            quantity = np.where(due, _up(options, option, short), 0.0)
            release[option, bucket] = quantity
            np.add.at(made, group[option], quantity)
            left[option] = due & (quantity < short - ENOUGH * np.maximum(short, 1))
    return release


def _turns(group: Ints) -> list[Ints]:
    """Options, so that no two of a group have the same turn."""
    order = np.argsort(group, kind="stable")
    sizes = np.unique(group, return_counts=True)[1]
    rank = np.arange(len(group)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return [np.sort(order[rank == turn]) for turn in range(int(sizes.max(initial=0)))]


def _up(options: Options, option: Ints, quantity: Floats) -> Floats:
    """The smallest orders of at least `quantity`, or the largest ones."""
    lot = np.where(options.multiple[option] > 0, options.multiple[option], 1.0)
    whole = np.where(options.multiple[option] > 0, np.ceil(quantity / lot - ENOUGH) * lot, quantity)
    return np.minimum(np.maximum(whole, options.smallest[option]), options.largest[option])


def _down(options: Options, quantity: Floats) -> Floats:
    """The largest orders of at most `quantity` [m, T]; 0 below the smallest."""
    lot = np.where(options.multiple > 0, options.multiple, 1.0)[:, None]
    lots = np.floor(quantity / lot + ENOUGH) * lot
    whole = np.where(options.multiple[:, None] > 0, lots, quantity)
    return np.where(whole < options.smallest[:, None] * (1 - ENOUGH), 0.0, whole)


def _downward(network: Network, wish: Floats, prices: Prices) -> Floats:
    """Orders from the products down to what is bought; they may use what is not there."""
    options, uses = network.options, network.uses
    hours, setup = per_option(network, prices.capacity)
    price = options.unit_cost + hours + _component_price(network, prices.supply)
    fixed = options.order_cost + setup
    release, demand, code = np.zeros_like(wish), network.nodes.demand.copy(), levels(network)
    for level in range(int(code.max(initial=0)) + 1):
        here = np.flatnonzero(code[options.node] == level)
        if not len(here):
            continue
        alone = _alone(network, here, demand)
        asked = Units.of(alone).choose(price[here], fixed[here]).release
        shared = np.isfinite(options.split[here])
        asked[shared] = wish[here[shared]]
        group = np.where(shared, len(network.nodes) + here, options.node[here])
        release[here] = in_lots(alone.options, np.unique(group, return_inverse=True)[1], asked)
        use = np.flatnonzero(code[options.node[uses.option]] == level)
        np.add.at(
            demand, uses.node[use], uses.quantity[use, None] * _later(release[uses.option[use]], uses.offset[use])
        )
    return release


def _component_price(network: Network, supply: Floats) -> Floats:
    """[m, T] what the units that a unit of an option uses are worth."""
    uses = network.uses
    price = np.zeros_like(network.options.unit_cost)
    for use in range(len(uses)):
        periods = supply.shape[1] - int(uses.offset[use])
        if periods > 0:
            price[uses.option[use], :periods] += uses.quantity[use] * supply[uses.node[use], -periods:]
    return price


def _later(values: Floats, by: Ints) -> Floats:
    """Values [k, T] moved `by` [k] buckets; what goes beyond the horizon is dropped."""
    at = np.arange(values.shape[1]) - by[:, None]
    return np.where(at >= 0, np.take_along_axis(values, np.maximum(at, 0), axis=1), 0.0)


def _alone(network: Network, options: Ints, demand: Floats) -> Network:
    """Some options and all item-locations, with `demand` in place of what uses and capacity say."""
    none, periods = np.zeros(0, dtype=np.int64), network.nodes.periods
    fields = {name: getattr(network.options, name)[options] for name in Options.__dataclass_fields__}
    return Network(
        nodes=replace(network.nodes, demand=demand),
        options=Options(**fields),
        uses=Uses(option=none, node=none, quantity=np.zeros(0), offset=none),
        loads=Loads(option=none, resource=none, hours=np.zeros(0), setup_hours=np.zeros(0)),
        resources=Resources(
            capacity=np.zeros((0, periods)), overtime=np.zeros((0, periods)), overtime_cost=np.zeros(0)
        ),
    )


def _upward(network: Network) -> Floats:
    """Orders from what is bought up to the products; each level takes no more than what is there."""
    options, code = network.options, levels(network)
    model = Model.of(network, setups=False)
    program = Program(model)
    program.solve()
    release = np.zeros_like(options.unit_cost)
    ring = np.zeros(len(options), dtype=bool)
    ring[network.uses.option] = code[options.node[network.uses.option]] == code[network.uses.node]
    for level in reversed(range(int(code.max(initial=0)) + 1)):
        here = np.flatnonzero(code[options.node] == level)
        if not len(here):
            continue
        columns = model.columns.release[here]
        wish = program.values[columns] * (program.values[columns] > ENOUGH)
        program.bound_rows(model.rows.shares[np.isin(sharing(options), here)], -np.inf, np.inf)
        own = _alone(network, here, network.nodes.demand).options
        below = _down(own, wish)
        for found in (in_lots(own, np.arange(len(here)), wish), below, below * ~ring[here, None]):
            release[here] = found
            _fit(network, release, here)
            program.bound_columns(columns, release[here], release[here])
            program.bound_rows(model.rows.capacity, -np.inf, network.resources.capacity - _set_up(network, release))
            try:
                program.solve()
                break
            except NotSolvedError:
                program.forget()
    return release


def _set_up(network: Network, release: Floats) -> Floats:
    """[r, T] hours of set-up."""
    loads = network.loads
    return loaded(network, release) - loaded(
        replace(network, loads=replace(loads, setup_hours=0 * loads.hours)), release
    )


def _fit(network: Network, release: Floats, options: Ints) -> None:
    """Take the smallest orders of some options out of buckets that have no hours for them."""
    loads, resources = network.loads, network.resources
    room = (resources.capacity + resources.overtime) * (1 + ENOUGH)
    mine = np.isin(loads.option, options)
    while True:
        resource, bucket = np.nonzero(loaded(network, release) > room)
        placed = [
            (loads.option[mine & (loads.resource == which)], when) for which, when in zip(resource, bucket, strict=True)
        ]
        placed = [(option[release[option, when] > 0], when) for option, when in placed]
        placed = [(option, when) for option, when in placed if len(option)]
        if not placed:
            return
        for option, when in placed:
            release[option[np.argmin(release[option, when])], when] = 0.0
