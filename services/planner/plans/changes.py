"""Recommendations to change orders that are under way: their date, their quantity, or whether they come at all."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from services.planner.engine.changes import Changes, UnderWay, changes
from services.planner.engine.inputs import Ints, Supply
from services.planner.engine.network import changes as coupled
from services.planner.plans import sentence
from services.planner.plans.buckets import Buckets
from services.planner.plans.inputs import Inputs
from services.planner.plans.money import money, total
from services.planner.plans.planning import THREADS, Alone, Together
from services.planner.plans.proposals import Origin, share, units
from services.planner.plans.snapshot import Snapshot
from services.planner.plans.structure import KEY
from services.planner.recommendations.content_schemas import Content

MOST = 2000  # changes of a plan that are looked into
MOST_COUPLED = 500  # of item-locations planned together
FIXED = "in_transit"  # nothing can be changed about it any more
NOT_BEGUN = "firm"


@dataclass(frozen=True)
class Found:
    """What pays of a plan's changes; `orders` are those under way that could be changed."""

    orders: pd.DataFrame
    changes: Changes | None

    @classmethod
    def alone(cls, buckets: Buckets, known: Inputs, alone: Alone, snapshot: Snapshot, paths: int) -> "Found":
        """Of the item-locations planned by themselves."""
        orders, supply = _movable(buckets, known, alone.rows, snapshot), known.supply.rows(alone.rows)
        if orders.empty:
            return cls(orders, None)
        demand, under_way = known.demand.rows(alone.rows), _under_way(orders, supply)
        found = changes(supply, demand, alone.plan, under_way, paths=paths, most=MOST, threads=THREADS)
        return cls(orders, found)

    @classmethod
    def together(cls, buckets: Buckets, known: Inputs, together: Together, snapshot: Snapshot) -> "Found":
        """Of the item-locations planned as a network: releases stay as they are, so no order takes one's place."""
        rows = together.web.rows
        orders, supply = _movable(buckets, known, rows, snapshot), known.supply.rows(rows)
        if orders.empty:
            return cls(orders, None)
        release = together.plan.quantities.release
        plan = coupled.Standing(together.web.network, supply, release, together.paths, together.projection)
        return cls(orders, coupled.changes(plan, _under_way(orders, supply), MOST_COUPLED))

    @property
    def enlarged(self) -> Ints:
        """Rows of the plan whose new order an order under way brings in its place."""
        if self.changes is None:
            return np.zeros(0, dtype=np.int64)
        moves = self.changes.moves
        more = moves.order[moves.quantity > self.orders["quantity"].to_numpy(np.float64)[moves.order]]
        return self.orders["row"].to_numpy(np.int64)[more]

    def proposals(self, origin: Origin, buckets: Buckets) -> Iterator[Content]:
        """One recommendation per item-location at most."""
        if self.changes is None:
            return
        for place, row in enumerate(self.changes.moves.order.tolist()):
            order = self.orders.iloc[row]
            yield _content(origin, buckets, order, self.changes, place)


def _movable(buckets: Buckets, known: Inputs, rows: Ints, snapshot: Snapshot) -> pd.DataFrame:
    """Orders under way within the plan on which nobody has decided: with `row`, a place in `rows`, and `bucket`."""
    orders = snapshot.receipts
    number = [buckets.number(due) for due in orders["due"]]
    row = known.terms.index[rows].get_indexer(pd.MultiIndex.from_frame(orders[KEY]))
    orders = orders.assign(row=row, bucket=[-1 if each is None else each for each in number])
    free = (orders["row"] >= 0) & (orders["bucket"] >= 0) & (orders["status"] != FIXED)
    return orders[free & ~orders["reference"].isin(snapshot.changed)]


def _under_way(orders: pd.DataFrame, supply: Supply) -> UnderWay:
    row, begun = orders["row"].to_numpy(np.int64), (orders["status"] != NOT_BEGUN).to_numpy(bool)
    return UnderWay(
        row=row,
        bucket=orders["bucket"].to_numpy(np.int64),
        quantity=orders["quantity"].to_numpy(np.float64),
        cancellable=orders["cancellable"].to_numpy(bool),
        enlargeable=~begun,
        hurried=np.where(begun, 0, supply.arrival[row]),
    )


def _content(origin: Origin, buckets: Buckets, order: "pd.Series[Any]", found: Changes, place: int) -> Content:
    saved = {name: money(values[place]) for name, values in found.saved.items()}
    bucket, quantity = int(found.moves.bucket[place]), float(found.moves.quantity[place])
    moved = bucket < len(buckets) and bucket != order["bucket"]
    chance = (found.without[place], found.with_[place])
    change = {
        "reference": order["reference"],
        "quantity": float(order["quantity"]),
        "new_quantity": units(quantity),
        "due": order["due"],
        "new_due": buckets.periods[bucket] if moved else order["due"] if quantity > 0 else None,
        "holding_saved": saved["holding_cost"],
        "shortage_saved": saved["shortage_cost"],
        "ordering_saved": saved["ordering_cost"],
        "net_benefit": total(*saved.values()),
        "stockout_probability": dict(zip(("without", "with"), map(share, chance), strict=True)),
    }
    kind = _kind(bucket - order["bucket"], quantity - order["quantity"], quantity)
    facts = origin.common(kind, order["item"], order["location"]) | {"order": None, "change": change, "faults": []}
    return Content.model_validate(facts | {"text": sentence.change(facts)})


def _kind(later: int, more: float, quantity: float) -> str:
    if quantity == 0:
        return "cancel"
    if more != 0:
        return "increase" if more > 0 else "decrease"
    return "defer" if later > 0 else "expedite"
