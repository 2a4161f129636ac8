"""Prices of capacity at which every item-location, planned by itself, uses about what there is.

Lagrangian relaxation of the capacity, maximised by a deflected subgradient. Its value bounds the cost of every plan.

Sources: Trigeiro, Thomas and McClain (1989), Capacitated lot sizing with setup times; step rule, Held, Wolfe and
Crowder (1974); deflection, Camerini, Fratta and Maffioli (1975).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from services.planner.engine.inputs import Floats
from services.planner.engine.network.inputs import Network
from services.planner.engine.network.solution import loaded
from services.planner.engine.network.units import Units

PATIENCE = 5  # steps without a better bound until the step is halved
REACH = 0.05  # of the bound: how far above it the target of the first step lies


@dataclass(frozen=True, slots=True)
class Relaxed:
    """The plan without capacity at some prices of it."""

    release: Floats  # [m, T] units
    cost: Floats  # [n] money, without what the capacity was charged
    bound: float  # money; no plan of the network costs less


class Relaxation:
    """A network whose capacity is charged for, not kept."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self._units = Units.of(network)

    def at(self, price: Floats) -> Relaxed:
        """The cheapest plan at prices [r, T] in money per hour."""
        options, resources = self.network.options, self.network.resources
        hours, setup = per_option(self.network, price)
        choice = self._units.choose(options.unit_cost + hours, options.order_cost + setup)
        charged = np.sum(hours * choice.release + setup * (choice.release > 0), axis=1)
        paid = np.minimum(price, resources.overtime_cost[:, None])
        finite = np.where(np.isfinite(resources.capacity), resources.capacity, 0.0)
        bound = float(choice.value.sum() - np.sum(price * finite) - np.sum((price - paid) * resources.overtime))
        cost = choice.value - np.bincount(options.node, weights=charged, minlength=len(choice.value))
        return Relaxed(choice.release, cost, bound)


@dataclass(frozen=True, slots=True)
class Step:
    """One step: the plan without capacity at some prices, and the best so far."""

    relaxed: Relaxed
    bound: float  # money; no plan of the network costs less
    price: Floats  # [r, T] money per hour, of the best bound
    ordered: Floats  # [m, T] share of the steps, later ones counting more, in which an order was placed


def priced_steps(relaxation: Relaxation, price: Floats, steps: int) -> Iterator[Step]:
    """Yield `steps` steps from the prices [r, T] given."""
    network = relaxation.network
    resources = network.resources
    bound, best, direction, reach, stale = -np.inf, price, np.zeros_like(price), REACH, 0
    ordered = np.zeros_like(network.options.unit_cost)
    for step in range(steps):
        relaxed = relaxation.at(price)
        value = relaxed.bound
        ordered += (np.asarray(relaxed.release > 0) - ordered) / min(step + 1, 10)
        if value > bound + 1e-4 * abs(bound) * reach:
            stale = 0
        else:
            stale += 1
        if value > bound:
            bound, best, at_best = value, price, relaxed
        yield Step(relaxed, bound, best, ordered)
        if stale >= PATIENCE:
            stale, reach, price, relaxed, value = 0, reach / 2, best, at_best, bound
            direction = np.zeros_like(price)
        over = loaded(network, relaxed.release) - resources.capacity
        over -= np.where(price > resources.overtime_cost[:, None], resources.overtime, 0.0)
        over = np.where(np.isfinite(over) & ((over > 0) | (price > 0)), over, 0.0)
        along = float(np.sum(over * direction))
        size = float(np.sum(direction**2))
        direction = over + (max(0.0, -1.5 * along / size) if size else 0.0) * direction
        length = float(np.sum(direction**2))
        if length == 0:
            return
        target = bound + reach * abs(bound) - value
        price = np.maximum(price + target / length * direction, 0)


def per_option(network: Network, price: Floats) -> tuple[Floats, Floats]:
    """[m, T] what the hours of a unit, and of an order, cost at prices [r, T]."""
    loads = network.loads
    shape = network.options.unit_cost.shape
    hours, setup = np.zeros(shape), np.zeros(shape)
    np.add.at(hours, loads.option, loads.hours[:, None] * price[loads.resource])
    np.add.at(setup, loads.option, loads.setup_hours[:, None] * price[loads.resource])
    return hours, setup
