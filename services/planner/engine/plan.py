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
from services.planner.engine.kpis import Comparison, Tally, Totals
from services.planner.engine.levels import levels
from services.planner.engine.order import order_quantity
from services.planner.engine.policies import benchmark, planned
from services.planner.engine.projection import Lines
from services.planner.engine.rollout import roll
from services.planner.engine.tuning import tuned
from services.planner.engine.window import open_window
from shared.paths import sample

METHOD = "path_newsvendor_on_lots"
BLOCK_CELLS = 1_000_000  # paths x buckets x item-locations at a time: some 30 MB
MIXED = 40  # item-locations from which a block is closed where the next one is of another kind


@dataclass(frozen=True, slots=True)
class Plan:
    """The result, rows in the order of the inputs."""

    orders: Evidence  # [n]
    lines: Lines  # [n, T]
    kpis: Comparison


@dataclass(frozen=True, slots=True)
class _Block:
    orders: Evidence
    lines: Lines
    tallies: tuple[Tally, Tally, Tally]  # plan, nothing, benchmark


def plan(supply: Supply, demand: Demand, *, paths: int = 200, progress: Callable[[int], None] | None = None) -> Plan:
    """Plan n >= 1 item-locations on `paths` joint demand paths; the same inputs give the same numbers.

    progress: called with the rows done after each block; what it raises ends the plan.
    """
    n, periods = demand.mean.shape
    if supply.receipts.shape != (n, periods) or n == 0:
        raise ValueError("supply and demand need the same item-locations and buckets, at least one")
    reviews = cover(supply, demand.mean)
    parts = _parts(supply, _first(supply, reviews), max(1, BLOCK_CELLS // (paths * periods)))
    blocks = []
    done = 0
    for part in parts:
        blocks.append(_block(supply.rows(part), demand.rows(part), reviews[part], paths))
        done += len(part)
        if progress is not None:
            progress(done)
    rows = np.concatenate(parts)
    tallies = [_total([block.tallies[policy] for block in blocks]).kpis(periods) for policy in range(3)]
    back = np.argsort(rows)
    return Plan(
        orders=_restored([block.orders for block in blocks], back),
        lines=_restored([block.lines for block in blocks], back),
        kpis=Comparison(*tallies),
    )


def _block(supply: Supply, demand: Demand, reviews: Ints, count: int) -> _Block:
    sampled = sample(demand.levels, demand.grid, demand.mean, rho=demand.rho, seeds=demand.seeds, paths=count)
    drawn = np.ascontiguousarray(sampled.transpose(2, 0, 1)).transpose(1, 2, 0)  # a bucket at a time is read
    window = open_window(supply, drawn, _first(supply, reviews))
    base = levels(supply, demand.mean, drawn, reviews)
    chosen = tuned(supply, drawn, order_quantity(supply, window), base)
    plan = Totals(supply, drawn)
    policy = planned(supply, chosen.first, chosen.levels, chosen.later)
    lines = Lines.of(supply, chosen.levels, plan.watch(roll(supply, drawn, policy)))
    nothing, usual = Totals.of(supply, drawn), Totals.of(supply, drawn, benchmark(supply, demand.recent, drawn))
    return _Block(
        orders=evidence(supply, window, chosen.levels, chosen.first),
        lines=lines,
        tallies=(plan.tally(), nothing.tally(), usual.tally()),
    )


def _parts(supply: Supply, first: Ints, size: int) -> list[Ints]:
    """Rows in blocks of `size` at most: like rows together, since what is the same for all needs no mask."""
    kinds = np.stack([first, supply.fence, supply.review, supply.lead_time, supply.backlog])
    order = np.lexsort(kinds)
    changes = np.any(np.diff(kinds[1:, order], axis=1, prepend=-1), axis=0)
    parts, start = [], 0
    for row in range(1, len(order) + 1):
        held = row - start
        if row == len(order) or held == size or (changes[row] and held >= min(MIXED, size)):
            parts.append(order[start:row])
            start = row
    return parts


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
