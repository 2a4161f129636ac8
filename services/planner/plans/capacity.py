"""What a plan takes of resources: hours by period, and what one more would save where that is confirmed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd

from services.planner.engine.inputs import Floats
from services.planner.plans.buckets import Buckets
from services.planner.plans.inputs import Inputs
from services.planner.plans.planning import Alone
from services.planner.plans.takeover import Planned

COLUMNS = (
    "plan_id",
    "resource",
    "period",
    "load",
    "available",
    "overtime",
    "overtime_available",
    "overtime_cost",
    "price",
)


@dataclass(frozen=True)
class Capacity:
    """Resources that the plan's ways of supply can load, by bucket; all [r, T], in hours and money."""

    names: list[str]  # [r]
    load: Floats
    available: Floats
    overtime: Floats
    overtime_available: Floats
    overtime_cost: Floats
    price: Floats  # money per hour; NaN where it is not confirmed

    @classmethod
    def of(cls, known: Inputs, planned: Planned) -> "Capacity":
        """Means over paths. Only what is planned together goes into overtime: whatever else loads a resource fits."""
        hours = known.structure.hours
        shape = hours.regular.shape
        load, overtime, price = np.zeros(shape), np.zeros(shape), np.full(shape, np.nan)
        if planned.loading is not None:
            _load_alone(known, planned.loading, load)
        if planned.together is not None:
            together = planned.together
            rows = hours.names.get_indexer(together.web.resources)
            load[rows] += together.projection.load
            overtime[rows] += together.projection.overtime
            for found in together.prices:
                price[rows[found.resource], found.bucket] = found.price
        usable = known.structure.loads[known.usable[known.structure.loads["option"].to_numpy(np.int64)]]
        shown = np.flatnonzero(hours.names.isin(usable["resource"]))
        cost = overtime * hours.overtime_cost[:, None]
        arrays = (load, hours.regular, overtime, hours.overtime, cost, price)
        return cls(hours.names[shown].tolist(), *(array[shown] for array in arrays))

    def rows(self, plan: UUID, buckets: Buckets) -> Iterator[tuple[Any, ...]]:
        """One row per resource and period, as `COLUMNS` has them."""
        for row, name in enumerate(self.names):
            for t, period in enumerate(buckets.periods):
                price = None if np.isnan(self.price[row, t]) else float(self.price[row, t])
                values = (self.load, self.available, self.overtime, self.overtime_available, self.overtime_cost)
                yield plan, name, period, *(float(array[row, t]) for array in values), price


def _load_alone(known: Inputs, loading: Alone, load: Floats) -> None:
    """Add the hours of what is planned by itself: from the option that it is ordered from."""
    loads = known.structure.loads
    names = known.structure.hours.names.get_indexer(pd.Index(loads["resource"]))
    options = known.terms["option"].to_numpy(np.int64)[loading.rows]
    release = dict(zip(options.tolist(), loading.plan.lines.planned_releases, strict=True))
    for option, name, hours, setup in zip(loads["option"], names, loads["hours"], loads["setup_hours"], strict=True):
        if option in release and name >= 0:
            load[name] += hours * release[option] + setup * (release[option] > 0)
