"""A plan: the order to release now, its evidence, the projection behind it and what it costs beside doing nothing.

Item-locations are planned independently of each other, in blocks that bound memory. The first order is the exact
least-cost lot on the paths over the reviews that it covers, not a multi-period optimum; `METHOD` names that.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np

from services.planner.engine.cover import cover
from services.planner.engine.evidence import Evidence, evidence
from services.planner.engine.inputs import Demand, Ints, Supply
from services.planner.engine.kpis import Comparison, Tally
from services.planner.engine.levels import levels
from services.planner.engine.order import order_quantity
from services.planner.engine.policies import benchmark, planned
from services.planner.engine.projection import Lines
from services.planner.engine.rollout import roll
from services.planner.engine.tuning import tuned
from services.planner.engine.window import open_window
from shared.paths import sample

type Tallies = tuple[Tally, Tally, Tally]  # of the plan, of doing nothing, of the benchmark

METHOD = "path_newsvendor_on_lots"
BLOCK_CELLS = 1_000_000  # paths x buckets x item-locations at a time: some 100 MB


@dataclass(frozen=True, slots=True)
class Plan:
    """The result, rows in the order of the inputs."""

    orders: Evidence  # [n]
    lines: Lines  # [n, T]
    tallies: Tallies

    @property
    def kpis(self) -> Comparison:
        return comparison(self.tallies, self.lines.demand.shape[1])


def plan(supply: Supply, demand: Demand, *, paths: int = 200, progress: Callable[[int], None] | None = None) -> Plan:
    """Plan n >= 1 item-locations on `paths` joint demand paths; the same inputs give the same numbers.

    progress: called with the rows done after each block; what it raises ends the plan.
    """
    n, periods = demand.mean.shape
    if supply.receipts.shape != (n, periods) or n == 0:
        raise ValueError("supply and demand need the same item-locations and buckets, at least one")
    # Rows with windows of like length share a block: a block's arrays are as wide as its longest window.
    reviews = cover(supply, demand.mean)
    rows = np.argsort(_first(supply, reviews) * supply.review, kind="stable")
    size = max(1, BLOCK_CELLS // (paths * periods))
    blocks = []
    for start in range(0, n, size):
        part = rows[start : start + size]
        blocks.append(_block(supply.rows(part), demand.rows(part), reviews[part], paths))
        if progress is not None:
            progress(start + len(part))
    plan_, nothing, beside = (_total([block.tallies[policy] for block in blocks]) for policy in range(3))
    back = np.argsort(rows)
    return Plan(
        orders=_restored([block.orders for block in blocks], back),
        lines=_restored([block.lines for block in blocks], back),
        tallies=(plan_, nothing, beside),
    )


def comparison(tallies: Tallies, periods: int) -> Comparison:
    """The plan's figures beside those of its counterfactuals."""
    return Comparison(*(tally.kpis(periods) for tally in tallies))


def _block(supply: Supply, demand: Demand, reviews: Ints, count: int) -> Plan:
    drawn = sample(demand.levels, demand.grid, demand.mean, rho=demand.rho, seeds=demand.seeds, paths=count)
    window = open_window(supply, drawn, _first(supply, reviews))
    quantity = order_quantity(supply, window)
    base = tuned(supply, drawn, quantity, levels(supply, demand.mean, drawn, reviews))
    buckets = list(roll(supply, drawn, planned(supply, quantity, base)))
    return Plan(
        orders=evidence(supply, window, base, quantity),
        lines=Lines.of(supply, base, buckets),
        tallies=(
            Tally.of(supply, buckets),
            Tally.of(supply, roll(supply, drawn)),
            Tally.of(supply, roll(supply, drawn, benchmark(supply, demand.recent, drawn))),
        ),
    )


def _first(supply: Supply, reviews: Ints) -> Ints:
    """[n] reviews that the first order lasts."""
    return np.asarray(reviews[np.arange(len(reviews)), supply.fence])


def _total(tallies: list[Tally]) -> Tally:
    first, *others = tallies
    for other in others:
        first = first + other
    return first


def _restored(parts: list[Any], back: Ints) -> Any:
    """The blocks' arrays put together, rows back in the order of the inputs."""
    first = parts[0]
    if isinstance(first, tuple):
        return tuple(_restored(list(items), back) for items in zip(*parts, strict=True))
    if is_dataclass(first) and not isinstance(first, type):
        columns = ([getattr(part, field.name) for part in parts] for field in fields(first))
        return type(first)(*(_restored(column, back) for column in columns))
    return np.concatenate(parts)[back]
