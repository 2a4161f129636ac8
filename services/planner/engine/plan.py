"""A plan: the order to release now, its evidence, the projection behind it and what it costs beside doing nothing.

Item-locations are planned independently of each other, in blocks that bound memory.
"""

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Protocol

import numpy as np

from services.planner.engine.blocks import Block, by_rule, exactly
from services.planner.engine.cover import cover
from services.planner.engine.dynamic import solvable
from services.planner.engine.evidence import Evidence
from services.planner.engine.inputs import Bools, Demand, Ints, Supply
from services.planner.engine.kpis import Comparison, Tally
from services.planner.engine.projection import Lines

type Tallies = tuple[Tally, Tally, Tally]  # of the plan, of doing nothing, of the benchmark


class Spread(Protocol):
    """Carries out a function of a module for each of `calls`, wherever it can; results in their order."""

    def __call__[R](self, task: Callable[..., R], calls: Iterable[tuple[Any, ...]]) -> Generator[R]: ...


METHOD = "path_newsvendor_on_lots"
EXACT = "dynamic_program"
BLOCK_CELLS = 2_000_000  # paths x buckets x item-locations at a time: some 60 MB
COVERED_AT_ONCE = 1000  # item-locations: arrays stay inside a processor cache
MIXED = 40  # item-locations from which a block is closed where the next one is of another kind


@dataclass(frozen=True, slots=True)
class Plan:
    """The result, rows in the order of the inputs."""

    orders: Evidence  # [n]
    lines: Lines  # [n, T]
    exact: Bools  # [n] demand is certain, and no plan costs less
    tallies: Tallies

    @property
    def kpis(self) -> Comparison:
        return comparison(self.tallies, self.lines.demand.shape[1])


def plan(
    supply: Supply,
    demand: Demand,
    *,
    paths: int = 200,
    threads: int = 1,
    spread: Spread | None = None,
    progress: Callable[[int], None] | None = None,
) -> Plan:
    """Plan n >= 1 item-locations on `paths` joint demand paths; the same inputs give the same numbers.

    An item-location's numbers are the same to the last bit whatever is planned beside it.

    threads: blocks planned side by side, which changes nothing but the time; spread: what plans them in their place,
    be it on other machines. progress: called with the rows done after
    each block; what it raises ends the plan.
    """
    n, periods = demand.mean.shape
    if supply.receipts.shape != (n, periods) or n == 0:
        raise ValueError("supply and demand need the same item-locations and buckets, at least one")
    exact = exactly_solvable(supply, demand)
    certain = demand.certain & (supply.lead_spread == 0)
    reviews = np.concatenate([cover(supply.rows(some), demand.mean[some]) for some in _slices(n)])
    parts = _parts(supply, reviews, np.where(exact, 2, certain), max(1, BLOCK_CELLS // (paths * periods)))

    calls = ((supply.rows(part), demand.rows(part), reviews[part], paths, bool(exact[part[0]])) for part in parts)
    blocks = []
    done = 0
    with closing((spread or _on_threads(threads))(_block, calls)) as results:
        for part, found in zip(parts, results, strict=True):
            blocks.append(found)
            done += len(part)
            if progress is not None:
                progress(done)
    planned, nothing, usual = (_total([block.tallies[policy] for block in blocks]) for policy in range(3))
    back = np.argsort(np.concatenate(parts))
    return Plan(
        orders=restored([block.orders for block in blocks], back),
        lines=restored([block.lines for block in blocks], back),
        exact=exact,
        tallies=(planned, nothing, usual),
    )


def _block(supply: Supply, demand: Demand, reviews: Ints, paths: int, exact: bool) -> Block:
    return (exactly if exact else by_rule)(supply, demand, reviews, paths)


def _on_threads(threads: int) -> Spread:
    def spread[R](task: Callable[..., R], calls: Iterable[tuple[Any, ...]]) -> Generator[R]:
        with ThreadPoolExecutor(threads) as pool:
            try:
                yield from pool.map(lambda call: task(*call), calls)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    return spread


def exactly_solvable(supply: Supply, demand: Demand) -> Bools:
    """[n] whether an item-location is planned exactly: demand and lead time are certain, and its states can be held."""
    exact: Bools = demand.certain & (supply.lead_spread == 0)
    exact[exact] = solvable(supply.rows(exact), demand.mean[exact])
    return exact


def comparison(tallies: Tallies, periods: int) -> Comparison:
    """The plan's figures beside those of its counterfactuals."""
    return Comparison(*(tally.kpis(periods) for tally in tallies))


def _slices(n: int) -> list[slice]:
    return [slice(start, start + COVERED_AT_ONCE) for start in range(0, n, COVERED_AT_ONCE)]


def _parts(supply: Supply, reviews: Ints, kind: Ints, size: int) -> list[Ints]:
    """Rows in blocks of `size` at most, of one `kind` [n]; like rows together: what all share needs no mask."""
    length = reviews[np.arange(len(reviews)), supply.fence]
    kinds = np.stack([length, supply.fence, supply.review, supply.lead_time, supply.backlog, kind])
    order = np.lexsort(kinds)
    other, unlike = (np.any(np.diff(kinds[rows:, order], axis=1, prepend=-1), axis=0) for rows in (5, 1))
    parts, start = [], 0
    for row in range(1, len(order) + 1):
        held = row - start
        if row == len(order) or held == size or other[row] or (unlike[row] and held >= MIXED):
            parts.append(order[start:row])
            start = row
    return parts


def _total(tallies: list[Tally]) -> Tally:
    first, *others = tallies
    for other in others:
        first = first + other
    return first


def restored(parts: list[Any], back: Ints) -> Any:
    """Arrays [n, ...] of one kind, or dataclasses and tuples of them, put together; then those rows in that order."""
    first = parts[0]
    if isinstance(first, tuple):
        return tuple(restored(list(items), back) for items in zip(*parts, strict=True))
    if is_dataclass(first) and not isinstance(first, type):
        columns = ([getattr(part, field.name) for part in parts] for field in fields(first))
        return type(first)(*(restored(column, back) for column in columns))
    return np.concatenate(parts)[back]
