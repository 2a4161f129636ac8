"""What will be late: where stock runs out more often than the target accepts, what that costs and why."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.planner.engine.inputs import Bools, Floats, Ints, Supply
from services.planner.engine.lots import SLACK

BACKLOG, LEAD_TIME, FENCE, CLOSED = "backlog", "lead_time", "frozen_fence", "no_release_in_time"
CAPACITY, COMPONENTS, LARGEST, UNPAID, DEMAND = "capacity", "components", "max_quantity", "order_cost", "demand"


@dataclass(frozen=True, slots=True)
class Exceptions:
    """k item-locations; units and money are those of the buckets with too many stock-outs."""

    row: Ints  # [k] of the inputs
    bucket: Ints  # [k] the first of those buckets
    quantity: Floats  # [k] expected shortage, units
    value: Floats  # [k] money at risk: expected shortage cost
    cause: NDArray[np.str_]  # [k] why the first of them is not averted


def exceptions(
    supply: Supply, measures: Mapping[str, Floats], frozen: Ints, paths: int, coupled: Mapping[str, Bools]
) -> Exceptions:
    """Find the exceptions of n item-locations.

    measures: a plan's lines [n, T] by name; frozen [n]: buckets of the frozen fence; paths: that the probabilities were
    counted on; coupled: what of CAPACITY and COMPONENTS is lacking up to a bucket [n, T].
    """
    often = measures["stockout_probability"] > (1 - supply.fractile + 0.5 / paths)[:, None]
    row = np.flatnonzero(np.any(often, axis=1))
    bucket = np.argmax(often[row], axis=1)
    quantity, value = (np.sum(measures[name][row] * often[row], axis=1) for name in ("shortage", "shortage_cost"))
    given = {name: lacking[row, bucket] for name, lacking in coupled.items()}
    releases = measures["planned_releases"][row]
    return Exceptions(row, bucket, quantity, value, _causes(supply.rows(row), bucket, frozen[row], releases, given))


def _causes(
    supply: Supply, bucket: Ints, frozen: Ints, releases: Floats, coupled: Mapping[str, Bools]
) -> NDArray[np.str_]:
    """[k] the first that holds: what nothing can change any more, what is shared, what a supplier or costs limit."""
    in_time = np.arange(releases.shape[1]) <= (bucket - supply.lead_time)[:, None]
    ordered = np.max(releases, axis=1, where=in_time, initial=0.0)
    conditions = {
        BACKLOG: (supply.on_hand < 0) & (bucket == 0),
        LEAD_TIME: bucket < supply.lead_time,
        FENCE: bucket < supply.lead_time + frozen,
        CLOSED: bucket < supply.arrival,
        **coupled,
        LARGEST: ordered >= supply.last_lot * supply.multiple * (1 - SLACK),
        UNPAID: ordered == 0,
    }
    found = np.select(list(conditions.values()), list(conditions), DEMAND)
    return np.asarray(found, dtype=np.str_)
