"""Orders under way that come before they are needed: put off, or called off, and what that is worth."""

from dataclasses import dataclass, replace

import numpy as np

from services.planner.engine.inputs import Bools, Demand, Floats, Ints, Supply
from services.planner.engine.plan import plan
from services.planner.engine.projection import Lines

PARTS = ("holding_cost", "shortage_cost", "ordering_cost")


@dataclass(frozen=True, slots=True)
class Changes:
    """k orders under way, each to come in another bucket or, where that is T, not at all."""

    order: Ints  # [k] places in what was given
    bucket: Ints  # [k] the new bucket
    before: Lines  # [k, T] the plan as it is
    after: Lines  # [k, T] planned anew with the change

    @property
    def saved(self) -> dict[str, Floats]:
        """[k] money by part of the cost; negative where the change costs more."""
        return {name: (getattr(self.before, name) - getattr(self.after, name)).sum(axis=1) for name in PARTS}


def unneeded(lines: Lines, row: Ints, bucket: Ints, quantity: Floats, cancellable: Bools) -> tuple[Ints, Ints]:
    """The orders [o] that can come later, one at most of an item-location, and when: (places, new buckets).

    row, bucket, quantity [o]: item-location, bucket and units of each. One can come later while, in nine paths of ten,
    at least as much as it brings is left at a bucket's end. Of several that with the most units times buckets is told.
    """
    periods = lines.available_p10.shape[1]
    low = lines.available_p10[row] < quantity[:, None]
    low &= np.arange(periods) >= bucket[:, None]
    needed = np.where(np.any(low, axis=1), np.argmax(low, axis=1), periods)
    movable = (needed > bucket) & ((needed < periods) | cancellable)
    weight = np.where(movable, quantity * (needed - bucket), 0.0)
    places = np.lexsort((-weight, row))
    first = np.append(True, np.diff(row[places]) > 0) if len(places) else np.zeros(0, dtype=bool)
    chosen = np.sort(places[first & (weight[places] > 0)])
    return chosen, needed[chosen]


def changes(
    supply: Supply,
    demand: Demand,
    lines: Lines,
    orders: tuple[Ints, Ints, Floats, Bools],
    *,
    paths: int,
    most: int,
    threads: int = 1,
) -> Changes | None:
    """Those of the orders under way whose change pays, planned anew to see by how much; None where there is none.

    orders: row, bucket, quantity and whether it can be called off, [o] each. At most `most` are looked into, those
    first that tie up most money.
    """
    row, bucket, quantity, _ = orders
    chosen, later = unneeded(lines, *orders)
    tied = supply.holding_cost[row[chosen]] * quantity[chosen] * (later - bucket[chosen])
    kept = np.sort(np.argsort(-tied, kind="stable")[:most])
    chosen, later = chosen[kept], later[kept]
    if not len(chosen):
        return None
    rows, number = row[chosen], np.arange(len(chosen))
    part, receipts = supply.rows(rows), supply.receipts[rows]
    receipts[number, bucket[chosen]] = np.maximum(receipts[number, bucket[chosen]] - quantity[chosen], 0)
    put_off = later < receipts.shape[1]
    receipts[number[put_off], later[put_off]] += quantity[chosen][put_off]
    after = plan(replace(part, receipts=receipts), demand.rows(rows), paths=paths, threads=threads).lines
    found = Changes(chosen, later, lines.rows(rows), after)
    a_bucket = part.holding_cost * quantity[chosen]
    pays = np.flatnonzero(sum(found.saved.values()) >= a_bucket)
    return Changes(chosen[pays], later[pays], found.before.rows(pays), after.rows(pays)) if len(pays) else None
