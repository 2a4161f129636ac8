"""5,000 item-locations on 20 shared resources over 26 buckets: the linear programme, what-ifs, and set-ups.

Beside it the same in one model of the solver's own making: its own choice of method, and all set-ups mixed-integer.
Seconds are of the processor, as other work on the machine is no part of them; all runs have one thread.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import highspy
import numpy as np

from bench.report import Goal, report
from services.planner.engine.network.inputs import Loads, Mode, Network, Nodes, Options, Resources, Uses
from services.planner.engine.network.linear import Program, lp
from services.planner.engine.network.model import Model
from services.planner.engine.network.setups import Effort, ordered
from services.planner.engine.network.solver import Solver
from services.planner.engine.network.whole import whole

SEED = 20_261
PERIODS = 26
GOALS = (
    Goal("linear_seconds", "at_most", 60.0),
    Goal("what_if_seconds_worst", "at_most", 3.0),
    Goal("set_ups_gap", "at_most", 0.05),
)
FOREVER = 10**6


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.network", description=__doc__)
    parser.add_argument("--items", type=int, default=5_000)
    parser.add_argument("--resources", type=int, default=20)
    parser.add_argument("--alone", action="store_true", help="without the models of the solver's own making")
    options = parser.parse_args(arguments)
    size = options.items, options.resources
    figures: dict[str, Any] = {"items": options.items, "resources": options.resources, "buckets": PERIODS, "seed": SEED}
    figures |= _linear(made(*size, set_ups=False), alone=options.alone)
    figures |= _set_ups(made(*size, set_ups=True), alone=options.alone)
    return report(figures, GOALS)


def made(items: int, resources: int, *, set_ups: bool) -> Network:
    """Items with seasonal demand in backlog, lead times of 0 to 3 buckets, and one or two resources each.

    The resources have 95 to 110 % of the hours that mean demand takes, a tenth more with set-ups, and a fifth of
    overtime.
    """
    random = np.random.default_rng(SEED)
    mean, price = random.lognormal(3, 0.8, items), random.lognormal(2, 0.7, items)
    season = 1 + 0.3 * np.sin(2 * np.pi * (np.arange(PERIODS) / PERIODS + random.random((items, 1)) / 4))
    demand = np.round(mean[:, None] * season * random.gamma(8, 1 / 8, (items, PERIODS)))
    holding_cost = price * 0.25 / 52
    lead_time = random.integers(0, 4, items)
    on_hand = np.round(mean * (lead_time * 1.3 + random.uniform(1.5, 5, items)))
    order_cost = holding_cost * mean * random.uniform(2, 20, items) * set_ups
    first = random.integers(0, resources, items)
    second = (first + 1 + random.integers(0, max(resources - 1, 1), items)) % resources
    both = np.flatnonzero((random.random(items) < 0.3) & (second != first))
    option, resource = np.concatenate([np.arange(items), both]), np.concatenate([first, second[both]])
    hours = random.uniform(0.02, 0.1, len(option))
    setup_hours = hours * mean[option] * random.uniform(0.05, 0.2, len(option)) * set_ups
    load = np.bincount(resource, weights=hours * mean[option], minlength=resources)
    capacity = load * random.uniform(0.95, 1.1, resources) * (1.1 if set_ups else 1.0)
    none, wide = np.zeros(0, dtype=np.int64), np.ones((1, PERIODS))
    return Network(
        nodes=Nodes(
            on_hand=on_hand,
            receipts=np.zeros((items, PERIODS)),
            demand=demand,
            holding_cost=holding_cost,
            shortage_cost=20 * holding_cost,
            backlog=np.ones(items, dtype=bool),
            safety_stock=np.round(mean)[:, None] * wide,
            safety_cost=4 * holding_cost,
            max_stock=np.full(items, np.inf),
            shelf_life=np.full(items, FOREVER),
            waste_cost=price,
        ),
        options=Options(
            node=np.arange(items),
            mode=np.full(items, Mode.MAKE),
            lead_time=lead_time,
            unit_cost=price[:, None] * wide,
            order_cost=order_cost[:, None] * wide,
            moq=np.zeros(items),
            multiple=np.zeros(items),
            max_qty=np.full(items, np.inf),
            allowed=np.ones((items, PERIODS), dtype=bool),
            priority=np.zeros(items, dtype=np.int64),
            split=np.full(items, np.nan),
        ),
        uses=Uses(option=none, node=none, quantity=np.zeros(0), offset=none),
        loads=Loads(option=option, resource=resource, hours=hours, setup_hours=setup_hours),
        resources=Resources(
            capacity=capacity[:, None] * wide,
            overtime=capacity[:, None] * wide / 5,
            overtime_cost=np.full(resources, 30.0),
        ),
    )


def _linear(network: Network, *, alone: bool) -> dict[str, Any]:
    """The linear programme cold, what-ifs from its last basis, and the same programme by the solver's own choice."""
    began = time.process_time()
    program = Program(Model.of(network))
    cost = program.solve()
    figures: dict[str, Any] = {
        "columns": len(program.model.cost),
        "rows": len(program.model.row_lower),
        "linear_seconds": _since(began),
        "linear_cost": round(cost, 2),
        "linear_iterations": program.iterations,
    }
    seconds = [_seconds(what_if, program) for what_if in (_more_capacity, _more_demand)]
    figures |= {"what_if_seconds": seconds, "what_if_seconds_worst": max(seconds)}
    if not alone:
        solver, began = _plain(lp(program.model)), time.process_time()
        solver.run()
        figures |= {
            "plain_linear_seconds": _since(began),
            "plain_linear_cost": round(float(solver.getInfo().objective_function_value), 2),
        }
    return figures


def _more_capacity(program: Program) -> None:
    """A tenth more hours of the resource whose hours are dearest."""
    dearest = int(np.argmax(program.prices.capacity.sum(axis=1)))
    capacity = program.model.network.resources.capacity[dearest]
    program.bound_rows(program.model.rows.capacity[dearest], -np.inf, capacity * 1.1)
    program.solve()


def _more_demand(program: Program) -> None:
    """5 % more demand of 100 item-locations."""
    nodes, model = program.model.network.nodes, program.model
    which = np.arange(0, len(nodes), max(len(nodes) // 100, 1))
    right = nodes.receipts[which] - 1.05 * nodes.demand[which]
    right[:, 0] += nodes.on_hand[which]
    program.bound_rows(model.rows.balance[which], right, right)
    program.bound_columns(model.columns.short[which], 0.0, np.inf)
    program.solve()


def _set_ups(network: Network, *, alone: bool) -> dict[str, Any]:
    """With set-up hours and order costs, and the whole as one mixed-integer model in the same time."""
    began = time.process_time()
    result = ordered(network, Effort())
    spent = _since(began)
    figures: dict[str, Any] = {
        "set_ups_seconds": spent,
        "set_ups_cost": round(result.costs.total, 2),
        "set_ups_gap": round(result.gap, 5),
        "set_ups_method": result.method,
    }
    if alone:
        return figures
    solver, until = _plain(whole(network).lp), time.process_time() + spent
    solver.cbMipInterrupt.subscribe(lambda event: event.interrupt(time.process_time() > until))
    began = time.process_time()
    solver.run()
    info = solver.getInfo()
    found = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    return figures | {
        "plain_set_ups_seconds": _since(began),
        "plain_set_ups_cost": round(float(info.objective_function_value), 2) if found else None,
        "plain_set_ups_gap": round(float(info.mip_gap), 5) if found else None,
    }


def _plain(model: highspy.HighsLp) -> Solver:
    """The solver as it comes, in one thread."""
    solver = Solver()
    solver.setOptionValue("threads", 1)
    solver.take(model)
    return solver


def _seconds(what: Callable[[Program], None], program: Program) -> float:
    began = time.process_time()
    what(program)
    return _since(began)


def _since(began: float) -> float:
    return round(time.process_time() - began, 2)


if __name__ == "__main__":
    sys.exit(main())
