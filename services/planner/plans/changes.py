"""Recommendations to put off or call off orders that are under way before they are needed."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from services.planner.engine.changes import Changes, changes
from services.planner.plans import sentence
from services.planner.plans.buckets import Buckets
from services.planner.plans.inputs import Inputs
from services.planner.plans.money import money, total
from services.planner.plans.planning import THREADS, Alone
from services.planner.plans.proposals import Origin, share
from services.planner.plans.snapshot import Snapshot
from services.planner.plans.structure import KEY
from services.planner.recommendations.schemas import Content

MOST = 2000  # orders of a plan that are looked into
FIXED = "in_transit"  # nothing can be changed about it any more


def proposals(
    origin: Origin, buckets: Buckets, known: Inputs, alone: Alone, snapshot: Snapshot, paths: int
) -> Iterator[Content]:
    """One recommendation per item-location at most, of those planned by themselves."""
    orders = _movable(buckets, known, alone, snapshot)
    if orders.empty:
        return
    told = (orders["row"], orders["bucket"], orders["quantity"], orders["cancellable"])
    row, bucket, quantity, cancellable = (column.to_numpy() for column in told)
    found = changes(
        known.supply.rows(alone.rows),
        known.demand.rows(alone.rows),
        alone.plan.lines,
        (row, bucket, quantity, cancellable),
        paths=paths,
        most=MOST,
        threads=THREADS,
    )
    for place in range(len(found.order) if found else 0):
        assert found is not None  # noqa: S101  the range is empty without
        yield _content(origin, buckets, orders.iloc[int(found.order[place])], found, place)


def _movable(buckets: Buckets, known: Inputs, alone: Alone, snapshot: Snapshot) -> pd.DataFrame:
    """Orders under way within the plan on which nobody has decided: with `row` in the plan and `bucket`."""
    orders = snapshot.receipts
    number = [buckets.number(due) for due in orders["due"]]
    row = known.terms.index[alone.rows].get_indexer(pd.MultiIndex.from_frame(orders[KEY]))
    orders = orders.assign(row=row, bucket=[-1 if each is None else each for each in number])
    free = (orders["row"] >= 0) & (orders["bucket"] >= 0) & (orders["status"] != FIXED)
    return orders[free & ~orders["reference"].isin(snapshot.changed)]


def _content(origin: Origin, buckets: Buckets, order: "pd.Series[Any]", found: Changes, place: int) -> Content:
    saved = {name: money(values[place]) for name, values in found.saved.items()}
    bucket = int(found.bucket[place])
    kind = "defer" if bucket < len(buckets) else "cancel"
    chance = (np.max(lines.stockout_probability[place]) for lines in (found.before, found.after))
    change = {
        "reference": order["reference"],
        "quantity": float(order["quantity"]),
        "due": order["due"],
        "new_due": buckets.periods[bucket] if kind == "defer" else None,
        "holding_saved": saved["holding_cost"],
        "shortage_saved": saved["shortage_cost"],
        "ordering_saved": saved["ordering_cost"],
        "net_benefit": total(*saved.values()),
        "stockout_probability": dict(zip(("without", "with"), map(share, chance), strict=True)),
    }
    facts = origin.common(kind, order["item"], order["location"]) | {"order": None, "change": change, "faults": []}
    return Content.model_validate(facts | {"text": sentence.change(facts)})
