"""Which orders to place, where that matters: set-ups under capacity, order costs and lots.

Where item-locations share capacity only, prices of capacity say which orders are worth placing, and a linear programme
how much; where they use each other, orders come from `rounding`. A small part goes on from there in a mixed-integer
solver: whole to its first node, then in windows of buckets (fix and optimise), which is where such a solver is good.
Every result carries its bound and gap.

Sources: Trigeiro, Thomas and McClain (1989); Helber and Sahling (2010), A fix-and-optimize approach for the multi-level
capacitated lot sizing problem.
"""

from dataclasses import dataclass

import numpy as np

from services.planner.engine.network.exact import assignable, assignment
from services.planner.engine.network.inputs import Network
from services.planner.engine.network.mixed import Found, MixedProgram
from services.planner.engine.network.prices import Relaxation, priced_steps
from services.planner.engine.network.rounding import rounded
from services.planner.engine.network.settled import Settled, polished
from services.planner.engine.network.solution import Quantities, Result, Status
from services.planner.engine.network.whole import whole

EVERY = 5  # steps of the prices between two trials of what they order
OFTEN = 0.4  # share of the steps in which an order was placed that makes it worth a trial
CLOSE = 1.1  # cost by bound up to which orders are worth starting a solver from
NEAR = 1e-4  # share of the cost: a gap that is none


@dataclass(frozen=True, slots=True)
class Effort:
    """How far the search for orders goes; equal limits give equal plans on any machine, unless `seconds` ends it."""

    steps: int = 60  # of the prices of capacity
    trials: int = 300  # linear programmes of the search over single orders
    cells: int = 50 * 26  # orders that could be placed, up to which a part goes to the mixed-integer solver
    nodes: int = 1  # of its search of the whole
    window: int = 5  # buckets that it decides together afterwards
    windows: int = 7
    seconds: float = 60.0  # of the clock on the wall, for a part


def ordered(network: Network, effort: Effort) -> Result:
    """A plan of item-locations that are planned together."""
    settled = Settled(network)
    small = bool(np.count_nonzero(settled.can) <= effort.cells)
    start, bound, method = _started(network, settled, effort, small=small)
    if start.costs(network).total - bound <= NEAR * abs(bound):
        return Result(start, start.costs(network), method, bound)
    if not small or np.any(np.isfinite(network.options.split)):
        return Result(start, start.costs(network), method, bound)
    program = MixedProgram(assignment(network) if assignable(network) else whole(network), effort.seconds)
    best, proven = _searched(program, settled, start, bound, effort)
    status: Status = "complete" if program.in_time else "time_limit"
    return Result(best, best.costs(network), "mixed_integer", max(bound, proven), status)


def _started(network: Network, settled: Settled, effort: Effort, *, small: bool) -> tuple[Quantities, float, str]:
    """A plan to begin with, its bound and the way to it."""
    stiff = np.any(network.options.multiple > 0) or np.any(np.isfinite(network.options.split))
    if len(network.uses) or stiff:
        return *rounded(network, settled), "rounded_linear_program"
    relaxation = Relaxation(network)
    steps = priced_steps(relaxation, np.zeros_like(network.resources.capacity), effort.steps)
    best, least = np.zeros_like(settled.can), settled.cost(np.zeros_like(settled.can))
    for count, step in enumerate(steps, 1):
        bound = step.bound
        if count == effort.steps or (small and count % EVERY == 0):
            for orders in (step.relaxed.release > 0, step.ordered > OFTEN):
                settled.forget()
                cost = settled.cost(orders)
                if cost < least:
                    best, least = orders, cost
    if small:
        best, _ = polished(settled, best, effort.trials)
    return settled.quantities(best), bound, "capacity_prices"


def _searched(
    program: MixedProgram, settled: Settled, start: Quantities, bound: float, effort: Effort
) -> tuple[Quantities, float]:
    """The best plan that the mixed-integer solver finds, and the bound that it proves."""
    network, cost = settled.network, start.costs(settled.network).total
    begin = program.started(start.release > 0) if cost < CLOSE * bound else None
    found = program.solve(effort.nodes, start=begin)
    if found is None:
        return start, -np.inf
    proven = found.bound
    found = _windowed(program, found, effort)
    best = settled.around(found.release)
    return (best if best.costs(network).total < cost else start), proven


def _windowed(program: MixedProgram, found: Found, effort: Effort) -> Found:
    """Decide window after window anew, the other orders standing, until none gives anything or enough were tried."""
    periods = found.release.shape[1]
    firsts = range(0, max(periods - effort.window, 0) + 1, max(effort.window // 2, 1))
    stale = 0
    for count in range(effort.windows):
        if stale >= len(firsts) or not program.in_time:
            break
        first = firsts[count % len(firsts)]
        free = np.zeros(found.release.shape, dtype=bool)
        free[:, first : first + effort.window] = True
        better = program.solve(1, start=found, free=free)
        stale += 1
        if better is not None and better.cost < found.cost * (1 - 1e-6):
            found, stale = better, 0
    return found
