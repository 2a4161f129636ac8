"""The time-phased projection of a plan: one line per item-location and bucket."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np

from services.planner.engine.inputs import Floats, Supply
from services.planner.engine.levels import Levels
from services.planner.engine.lots import SLACK
from services.planner.engine.rollout import Bucket


@dataclass(frozen=True, slots=True)
class Lines:
    """Means over paths unless said otherwise, in units and money; all [n, T].

    Only the first release is an order in lots. Later ones are expectations of what each path would order, in lots, at
    its own reviews. `available` at the end of a bucket is its start plus both receipts, less demand, plus lost sales.
    """

    demand: Floats
    scheduled_receipts: Floats
    planned_receipts: Floats
    planned_releases: Floats
    available: Floats  # stock less backlog at the end of the bucket
    available_p10: Floats
    available_p50: Floats
    available_p90: Floats
    safety_stock: Floats
    shortage: Floats  # demand of the bucket not served in it
    stockout_probability: Floats
    backlog: Floats  # at the end of the bucket
    holding_cost: Floats
    shortage_cost: Floats
    ordering_cost: Floats
    purchase_cost: Floats

    @classmethod
    def of(cls, supply: Supply, levels: Levels, buckets: Iterable[Bucket]) -> Self:
        """Reduce a rollout to its lines, one bucket at a time."""
        columns = [_column(supply, bucket) for bucket in buckets]
        lines = {name: np.stack([column[name] for column in columns], axis=1) for name in columns[0]}
        return cls(scheduled_receipts=supply.receipts, safety_stock=levels.safety_stock, **lines)


def _column(supply: Supply, bucket: Bucket) -> dict[str, Floats]:
    """Every line value of one bucket, [n] each."""
    count = bucket.stock.shape[1]
    net = np.sort((bucket.stock - bucket.backlog).astype(np.float32), axis=1)
    low, middle, high = (net[:, round(share * (count - 1))] for share in (0.1, 0.5, 0.9))
    released, short = bucket.released.mean(axis=1), bucket.short.mean(axis=1)
    stock, backlog = bucket.stock.mean(axis=1), bucket.backlog.mean(axis=1)
    return {
        "demand": bucket.demand.mean(axis=1, dtype=np.float64),
        "planned_receipts": bucket.received.mean(axis=1),
        "planned_releases": released,
        "available": stock - backlog,
        "available_p10": low.astype(np.float64),
        "available_p50": middle.astype(np.float64),
        "available_p90": high.astype(np.float64),
        "shortage": short,
        "stockout_probability": np.mean(bucket.short > SLACK * 10 * bucket.demand, axis=1),
        "backlog": backlog,
        "holding_cost": supply.holding_cost * stock,
        "shortage_cost": supply.penalty * np.where(supply.backlog, backlog, short),
        "ordering_cost": supply.order_cost * np.mean(bucket.released > 0, axis=1),
        "purchase_cost": supply.unit_cost * released,
    }
