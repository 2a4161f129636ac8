"""The time-phased projection of a plan: one line per item-location and bucket."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from services.planner.engine.inputs import Floats, Ints, Supply
from services.planner.engine.levels import Levels
from services.planner.engine.lots import TEN_SLACK
from services.planner.engine.rollout import Bucket


@dataclass(frozen=True, slots=True)
class Lines:
    """Means over paths unless said otherwise, in units and money; all [n, T].

    Only the first release is an order in lots. Later ones are expectations of what each path would order, in lots, at
    its own reviews. `available` at the end of a bucket is its start plus both receipts, less demand and what is
    thrown away, plus lost sales.
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

    def rows(self, index: Ints) -> Self:
        """The same lines of some rows."""
        return type(self)(**{field.name: getattr(self, field.name)[index] for field in fields(self)})

    @classmethod
    def of(cls, supply: Supply, levels: Levels, first: Floats, buckets: Iterable[Bucket]) -> Self:
        """Reduce a rollout to its lines, one bucket at a time; first [n]: the first release of every path."""
        columns = [_column(supply, bucket, t) for t, bucket in enumerate(buckets)]
        lines = {name: np.stack([column[name] for column in columns], axis=1) for name in columns[0]}
        releases = lines["planned_releases"]
        releases[np.arange(len(first)), supply.fence] = first
        return cls(
            scheduled_receipts=supply.receipts,
            planned_receipts=_arrived(supply, releases),
            safety_stock=levels.safety_stock,
            purchase_cost=supply.unit_cost * releases,
            **lines,
        )


def _column(supply: Supply, bucket: Bucket, t: int) -> dict[str, Floats]:
    """Every line value of one bucket but those that follow from others, [n] each."""
    stock, unmet = _mean(bucket.stock), _mean(bucket.unmet)
    short = bucket.short
    backlog = np.where(supply.backlog, unmet, 0.0)
    low, middle, high = _spread(bucket.net)
    return {
        "demand": _mean(bucket.demand),
        "planned_releases": _mean(bucket.released),
        "available": stock - backlog,
        "available_p10": low,
        "available_p50": middle,
        "available_p90": high,
        "shortage": _mean(short),
        "stockout_probability": np.mean(short > TEN_SLACK * bucket.demand, axis=1),
        "backlog": backlog,
        "holding_cost": supply.holding_cost * stock,
        "shortage_cost": supply.penalty * unmet,
        "ordering_cost": supply.order_cost[:, t] * np.mean(bucket.released > 0, axis=1),
    }


def _mean(values: np.ndarray) -> Floats:
    return values.mean(axis=1, dtype=np.float64)


def _spread(net: np.ndarray) -> tuple[Floats, ...]:
    """P10, P50 and P90 of each row."""
    ordered = np.sort(net, axis=1)
    return tuple(ordered[:, round(share * (net.shape[1] - 1))].astype(np.float64) for share in (0.1, 0.5, 0.9))


def _arrived(supply: Supply, releases: Floats) -> Floats:
    """[n, T] what the releases [n, T] are when they arrive."""
    release = np.arange(releases.shape[1]) - supply.lead_time[:, None]
    arrived = np.take_along_axis(releases, np.maximum(release, 0), axis=1)
    return np.where(release >= 0, arrived, 0.0)
