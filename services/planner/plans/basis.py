"""What a plan run rests on."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from services.planner.engine.inputs import Floats
from services.planner.plans.forecast import Forecast
from services.planner.plans.inputs import Inputs, inputs
from services.planner.plans.proposals import Origin
from services.planner.plans.snapshot import Snapshot
from services.planner.plans.tables import Plan
from services.planner.scenarios.schemas import Delta
from shared.principal import Principal


@dataclass(frozen=True)
class Basis:
    """What a run rests on. `plain` is the forecast that was asked for, `forecast` that with the deltas' overlays."""

    who: Principal
    plain: dict[str, Any]
    forecast: Forecast
    recent: Floats
    out_of_stock: Collection[tuple[str, str]]  # in the periods of `recent`
    snapshot: Snapshot
    items: pd.DataFrame  # category, uom, unit_price, shelf_life_days, by item
    changes: list[Delta]

    def origin(self, run: Plan) -> Origin:
        return Origin(run.id, self.forecast.id, self.forecast.model_version, self.who.area.currency)

    def inputs(self, seed: int, changes: Sequence[Delta], forecast: Forecast | None = None) -> Inputs:
        whole = forecast or self.forecast
        return inputs(whole, self.snapshot, self.recent, self.who.area, seed, self.items, changes)
