"""Explanations of all item-locations of a forecast, as its job makes and stores them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from sqlalchemy.orm import Session

from services.forecast.engine.explanation import RECONCILIATION, SHOCK, Explanation
from services.forecast.engine.model import Model
from services.forecast.engine.panel import Panel
from services.forecast.forecasts.making import Made
from services.forecast.overlays import application
from services.forecast.overlays.schemas import OverlayIn
from shared.db import psycopg_connection

COPY = "COPY forecast_explanations (forecast_id, item, location, mean, base, units) FROM STDIN (FORMAT binary)"
COPY_TYPES = ("uuid", "text", "text", "float8[]", "float8[]", "float8[]")


@dataclass(frozen=True)
class Reasons:
    """Why the forecast `made` is what it is; its item-locations that peers lent their forecast have none."""

    made: Made
    told: Explanation

    @classmethod
    def of(
        cls,
        explain: Callable[[Panel], Explanation],
        model: Model,
        panel: Panel,
        overlays: Sequence[OverlayIn],
        made: Made,
    ) -> "Reasons":
        """By what `explain` says of the `model`'s means, to which aggregates and shocks are added."""
        told = explain(application.on_drivers(model.recipe.fit_to(panel), overlays))
        reconciled = told.brought_to(made.before_shocks.ravel(), RECONCILIATION)
        return cls(made, reconciled.brought_to(made.grid.mean.ravel(), SHOCK))

    def store(self, session: Session, forecast: UUID) -> None:
        grid, horizon = self.made.grid, len(self.made.grid.periods)
        base, units = self.told.base.reshape(-1, horizon), self.told.units.reshape(-1, horizon * len(self.told.causes))
        with psycopg_connection(session).cursor() as cursor, cursor.copy(COPY) as copy:
            copy.set_types(COPY_TYPES)
            for row in np.flatnonzero(self.told.explained.reshape(-1, horizon).all(axis=1)).tolist():
                numbers = (part[row].astype(np.float64).tolist() for part in (grid.mean, base, units))
                copy.write_row((forecast, grid.items[row], grid.locations[row], *numbers))
