"""Lot sizing with set-up times under capacity: the planner's own beside a plain mixed-integer model in the same time.

The planner's search ends by its own limits; the plain model gets as much time for each instance. Both are processor
seconds, as other work on the machine is no part of them.

On instances of Trigeiro, Thomas and McClain (1989), of which proved optima are known, in a directory with
`instances.parquet`, `items.parquet`, `demand.parquet` and `best_known.csv`: gaps are to the proved optimum. Without a
directory a few of the same kind are made on the spot, whose optima nobody has proved: gaps are to the bound.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import highspy
import numpy as np
import pandas as pd
from scipy import sparse

from bench.report import Goal, report
from services.planner.engine.inputs import Floats
from services.planner.engine.network.inputs import Loads, Mode, Network, Nodes, Options, Resources, Uses
from services.planner.engine.network.setups import Effort, ordered
from services.planner.engine.network.solver import Solver

GOALS = (
    Goal("gap_mean", "at_most", 0.01),
    Goal("gap_worst", "at_most", 0.04),
    Goal("processor_seconds_worst", "at_most", 5.0),
    Goal("lost_units", "at_most", 0.0),
)
GOALS_MADE = (Goal("gap_stated_worst", "at_most", 0.08), Goal("of_plain_mean", "at_most", 1.0), GOALS[2], GOALS[3])
FOREVER = 10**6


@dataclass(frozen=True)
class Instance:
    name: str
    demand: Floats  # [items, periods]
    hours: Floats  # [items] a unit
    holding_cost: Floats
    setup_hours: Floats
    setup_cost: Floats
    capacity: float
    optimum: float  # NaN = not known

    @property
    def penalty(self) -> float:
        """A price of a lost unit above what any unit can cost: no plan of least cost loses one that it can have."""
        return float(self.demand.shape[1] * self.holding_cost.max() + self.setup_cost.max())


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.lotsizing", description=__doc__)
    parser.add_argument("directory", type=Path, nargs="?")
    parser.add_argument("--instances", nargs="+", help="some of them, by name")
    options = parser.parse_args(arguments)
    given = options.directory is not None
    instances = _instances(options.directory, options.instances) if given else [_made(seed) for seed in range(4)]
    rows = [_measured(instance) for instance in instances]
    table = pd.DataFrame(rows)
    figures: dict[str, Any] = {
        "gap_mean": round(table["gap"].mean(), 5),
        "gap_worst": round(table["gap"].max(), 5),
        "gap_stated_worst": round(table["gap_stated"].max(), 5),
        "lost_units": round(table["lost"].sum(), 6),
        "seconds_worst": round(table["seconds"].max(), 2),
        "processor_seconds_worst": round(table["processor_seconds"].max(), 2),
        "of_plain_mean": round(table["of_plain"].mean(), 5),
        "plain_gap_mean": round(table["plain_gap"].mean(), 5),
        "plain_gap_worst": round(table["plain_gap"].max(), 5),
        "each": rows,
    }
    return report(figures, GOALS if given else GOALS_MADE)


def _instances(directory: Path, names: Sequence[str] | None) -> list[Instance]:
    best = pd.read_csv(directory / "best_known.csv").set_index("instance")["best_found"]
    capacity = pd.read_parquet(directory / "instances.parquet").set_index("instance")["capacity_per_period"]
    items = pd.read_parquet(directory / "items.parquet").sort_values("item")
    demand = pd.read_parquet(directory / "demand.parquet")
    found = []
    for name in names or best.index:
        own = items[items["instance"] == name]
        asked = demand[demand["instance"] == name].set_index(["item", "period"])["demand"].sort_index()
        found.append(
            Instance(
                name=name,
                demand=asked.to_numpy(np.float64).reshape(len(own), -1),
                hours=own["unit_capacity_use"].to_numpy(np.float64),
                holding_cost=own["holding_cost"].to_numpy(np.float64),
                setup_hours=own["setup_time"].to_numpy(np.float64),
                setup_cost=own["setup_cost"].to_numpy(np.float64),
                capacity=float(capacity[name]),
                optimum=float(best[name]),
            )
        )
    return found


def _made(seed: int) -> Instance:
    """6 items x 15 periods, drawn in the manner of the published ones, the machine about as full."""
    random = np.random.default_rng(seed)
    demand = random.normal(100, 10, (6, 15)).round().clip(0)
    demand[:, :4] *= random.random((6, 4)) < 1 / 2
    return Instance(
        name=f"made {seed}",
        demand=demand,
        hours=np.ones(6),
        holding_cost=random.integers(1, 6, 6).astype(np.float64),
        setup_hours=random.choice([10, 20, 30, 40, 50], 6).astype(np.float64),
        setup_cost=random.choice([200, 400, 600, 800, 1000], 6).astype(np.float64),
        capacity=760.0,
        optimum=np.nan,
    )


def _measured(instance: Instance) -> dict[str, Any]:
    began, idle = time.perf_counter(), time.process_time()
    result = ordered(_network(instance), Effort())
    seconds, worked = time.perf_counter() - began, time.process_time() - idle
    plain = _plain(instance, worked)
    return {
        "instance": instance.name,
        "gap": round(result.costs.total / instance.optimum - 1, 5),
        "gap_stated": round(result.gap, 5),
        "lost": float(result.quantities.lost.sum()),
        "seconds": round(seconds, 2),
        "processor_seconds": round(worked, 2),
        "of_plain": round(result.costs.total / plain, 5),
        "plain_gap": round(plain / instance.optimum - 1, 5),
    }


def _network(instance: Instance) -> Network:
    n, periods = instance.demand.shape
    none, items = np.zeros(0, dtype=np.int64), np.arange(n)
    return Network(
        nodes=Nodes(
            on_hand=np.zeros(n),
            receipts=np.zeros((n, periods)),
            demand=instance.demand,
            holding_cost=instance.holding_cost,
            shortage_cost=np.full(n, instance.penalty),
            backlog=np.zeros(n, dtype=bool),
            safety_stock=np.zeros((n, periods)),
            safety_cost=np.zeros(n),
            max_stock=np.full(n, np.inf),
            shelf_life=np.full(n, FOREVER),
            waste_cost=np.zeros(n),
        ),
        options=Options(
            node=items,
            mode=np.full(n, Mode.MAKE),
            lead_time=np.zeros(n, dtype=np.int64),
            unit_cost=np.zeros((n, periods)),
            order_cost=np.repeat(instance.setup_cost[:, None], periods, axis=1),
            moq=np.zeros(n),
            multiple=np.zeros(n),
            max_qty=np.full(n, np.inf),
            allowed=np.ones((n, periods), dtype=bool),
            priority=np.zeros(n, dtype=np.int64),
            split=np.full(n, np.nan),
        ),
        uses=Uses(option=none, node=none, quantity=np.zeros(0), offset=none),
        loads=Loads(
            option=items, resource=np.zeros(n, dtype=np.int64), hours=instance.hours, setup_hours=instance.setup_hours
        ),
        resources=Resources(
            capacity=np.full((1, periods), instance.capacity),
            overtime=np.zeros((1, periods)),
            overtime_cost=np.zeros(1),
        ),
    )


def _plain(instance: Instance, seconds: float) -> float:
    """The same in a textbook's model: stock balances and production <= largest sensible lot x set-up."""
    n, periods = instance.demand.shape
    size = n * periods
    made, held, set_up = (start + np.arange(size).reshape(n, periods) for start in (0, size, 2 * size))
    rest = np.cumsum(instance.demand[:, ::-1], axis=1)[:, ::-1]
    largest = np.minimum(rest, (instance.capacity - instance.setup_hours[:, None]) / instance.hours[:, None])
    capacity = np.broadcast_to(2 * size + np.arange(periods), (n, periods))
    entries: list[tuple[Any, Any, Any]] = [
        (made, made, 1.0),
        (made, held, -1.0),
        (made[:, 1:], held[:, :-1], 1.0),
        (held, made, 1.0),
        (held, set_up, -largest),
        (capacity, made, instance.hours[:, None]),
        (capacity, set_up, instance.setup_hours[:, None]),
    ]
    flat = [[part.ravel() for part in np.broadcast_arrays(*entry)] for entry in entries]
    row, column, value = (np.concatenate(parts) for parts in zip(*flat, strict=True))
    matrix = sparse.coo_array((value, (row, column)), shape=(2 * size + periods, 3 * size)).tocsc()
    below, kinds = np.full(size + periods, -np.inf), highspy.HighsVarType
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = 3 * size, 2 * size + periods
    model.col_cost_ = np.concatenate(
        [np.zeros(size), np.repeat(instance.holding_cost, periods), np.repeat(instance.setup_cost, periods)]
    )
    model.col_lower_, model.col_upper_ = np.zeros(3 * size), np.repeat([np.inf, np.inf, 1.0], size)
    model.row_lower_ = np.concatenate([instance.demand.ravel(), below])
    model.row_upper_ = np.concatenate([instance.demand.ravel(), np.zeros(size), np.full(periods, instance.capacity)])
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_, model.a_matrix_.index_ = matrix.indptr, matrix.indices
    model.a_matrix_.value_ = matrix.data
    model.integrality_ = [kinds.kContinuous] * (2 * size) + [kinds.kInteger] * size
    highs = Solver()
    highs.setOptionValue("threads", 1)
    until = time.process_time() + seconds
    highs.cbMipInterrupt.subscribe(lambda event: _stop(event, until))
    highs.take(model)
    highs.run()
    return float(highs.getInfo().objective_function_value)


def _stop(event: Any, until: float) -> None:
    event.interrupt(time.process_time() > until)


if __name__ == "__main__":
    sys.exit(main())
