"""Set-ups under capacity: prices of capacity say which orders are worth placing, a linear programme how much.

A small component goes on from there in a mixed-integer solver: whole for half of the time, then in windows of buckets
(fix and optimise), which is where such a solver is good. Every result carries its bound and gap.

Sources: Trigeiro, Thomas and McClain (1989); Helber and Sahling (2010), A fix-and-optimize approach for the multi-level
capacitated lot sizing problem.
"""

import time
from dataclasses import dataclass

import numpy as np

from services.planner.engine.inputs import Bools, Floats
from services.planner.engine.network.exact import Assignment, Found, assignable
from services.planner.engine.network.inputs import Network
from services.planner.engine.network.prices import priced_steps
from services.planner.engine.network.settled import Settled, polished
from services.planner.engine.network.solution import Result

SMALL = 50 * 26  # orders that could be placed, up to which a component goes to the mixed-integer solver
STEPS = 60
EVERY = 5  # steps of the prices between two trials of what they order
OFTEN = 0.4  # share of the steps in which an order was placed that makes it worth a trial
CLOSE = 1.1  # cost by bound up to which orders are worth starting a solver from
WINDOW = 6  # buckets that are decided together
WINDOWS = 8  # of which one takes this part of the time at most


@dataclass(frozen=True, slots=True)
class _Trial:
    ordered: Bools  # [m, T]
    cost: float


def planned(network: Network, *, seconds: float) -> Result:
    """Plan item-locations that share capacity and use nothing of each other, in about `seconds`.

    Raises ValueError where an option uses something, or where more than one lot size would have to be kept.
    """
    if len(network.uses):
        raise ValueError("an option uses an item-location")
    small = np.sum(network.options.allowed) <= SMALL
    if not small and np.any(network.options.multiple > 0):
        raise ValueError("lot multiples in a large component")
    began = time.monotonic()
    settled = Settled(network)
    trial, bound = _priced(network, settled, often=bool(small))
    if not small or not assignable(network):
        quantities = settled.quantities(trial.ordered)
        return Result(quantities, quantities.costs(network), "capacity_prices", bound)
    ordered, cost = polished(settled, trial.ordered, time.process_time() + seconds / 15)
    release, proven = _solved(network, _Trial(ordered, cost), bound, seconds - (time.monotonic() - began))
    quantities = settled.around(release) if release is not None else settled.quantities(ordered)
    return Result(quantities, quantities.costs(network), "mixed_integer", max(bound, proven))


def _priced(network: Network, settled: Settled, *, often: bool) -> tuple[_Trial, float]:
    """The cheapest orders on the way to the prices of capacity, and the bound there."""
    nothing = np.zeros_like(settled.can)
    best = _Trial(nothing, settled.cost(nothing))
    for count, step in enumerate(priced_steps(network, np.zeros_like(network.resources.capacity), STEPS), start=1):
        bound = step.bound
        if count == STEPS or (often and count % EVERY == 0):
            for ordered in (step.release > 0, step.ordered > OFTEN):
                settled.forget()
                trial = _Trial(ordered, settled.cost(ordered))
                best = min(best, trial, key=lambda which: which.cost)
    return best, bound


def _solved(network: Network, trial: _Trial, bound: float, seconds: float) -> tuple[Floats | None, float]:
    """Releases [m, T] of the mixed-integer solver, None where it finds no better, and the bound that it proves."""
    until = time.monotonic() + seconds
    assignment = Assignment(network)
    start = trial.ordered if trial.cost < CLOSE * bound else None
    found = assignment.solve(seconds / 2, start=start)
    if found is None:
        return None, -np.inf
    proven = found.bound
    found = _windowed(assignment, found, until, seconds / WINDOWS)
    return (found.release if found.cost < trial.cost else None), proven


def _windowed(assignment: Assignment, found: Found, until: float, each: float) -> Found:
    """Decide window after window anew, the other orders standing, until none gives anything or time is up."""
    periods = found.release.shape[1]
    windows = range(0, max(periods - WINDOW, 0) + 1, WINDOW // 2)
    stale = 0
    while stale < len(windows):
        for first in windows:
            left = until - time.monotonic()
            if left <= 0 or stale >= len(windows):
                return found
            free = np.zeros(found.release.shape, dtype=bool)
            free[:, first : first + WINDOW] = True
            better = assignment.solve(min(each, left), start=found.release > 0, free=free)
            stale += 1
            if better is not None and better.cost < found.cost * (1 - 1e-6):
                found, stale = better, 0
    return found
