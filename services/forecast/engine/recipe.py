"""What a model was trained for: enough to build the very same features from any newer panel."""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from services.forecast.engine.attributes import Codes
from services.forecast.engine.calendar import Frequency
from services.forecast.engine.cells import Bools, Floats
from services.forecast.engine.panel import DriverDefinition, DriverPanel, Panel


@dataclass(frozen=True)
class Recipe:
    """Calendar, drivers and attribute codes of the training panel, and the longest horizon learned.

    `ranges` has the least and the greatest value of each driver's history; None in models of earlier releases.
    """

    frequency: Frequency
    season: int
    horizon: int
    drivers: tuple[DriverDefinition, ...]
    codes: Codes
    ranges: dict[str, tuple[float, float]] | None

    @classmethod
    def of(cls, panel: Panel) -> "Recipe":
        definitions = tuple(driver.definition for driver in panel.drivers)
        ranges = {driver.name: _range(driver.matrix[:, : len(panel.periods)]) for driver in panel.drivers}
        known = {name: found for name, found in ranges.items() if found is not None}
        return cls(panel.frequency, panel.season, panel.horizon, definitions, Codes.of(panel.series), known)

    def fit_to(self, panel: Panel) -> Panel:
        """The panel with this recipe's drivers in its order, all NaN where the panel lacks one.

        Raises ValueError for another calendar or a longer horizon.
        """
        if (panel.frequency, panel.season) != (self.frequency, self.season):
            raise ValueError(f"the model knows frequency {self.frequency!r} with season {self.season}")
        if panel.horizon > self.horizon:
            raise ValueError(f"the model was trained for {self.horizon} periods ahead, not {panel.horizon}")
        return replace(panel, drivers=tuple(self._driver(definition, panel) for definition in self.drivers))

    def driver_missing(self, panel: Panel) -> Bools:
        """Series [n] of a fitted panel that lack a future value of a driver known ahead."""
        missing = np.zeros(len(panel.series), dtype=bool)
        for driver in panel.drivers:
            if driver.definition.known_ahead:
                missing |= np.isnan(driver.matrix[:, len(panel.periods) :]).any(axis=1)
        return missing

    @staticmethod
    def _driver(definition: DriverDefinition, panel: Panel) -> DriverPanel:
        for driver in panel.drivers:
            if driver.name == definition.name:
                return replace(driver, definition=definition)
        absent: Floats = np.broadcast_to(np.float32(np.nan), (len(panel.series), len(panel.timeline)))
        return DriverPanel(definition, absent)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> "Recipe":
        drivers = tuple(DriverDefinition(**driver) for driver in raw["drivers"])
        values = {name: None if known is None else tuple(known) for name, known in raw["codes"]["values"].items()}
        ranges = raw.get("ranges")
        known = None if ranges is None else {name: (low, high) for name, (low, high) in ranges.items()}
        return cls(raw["frequency"], raw["season"], raw["horizon"], drivers, Codes(values), known)


def _range(values: Floats) -> tuple[float, float] | None:
    """The least and the greatest of the known `values`."""
    if np.isnan(values).all():
        return None
    return float(np.nanmin(values)), float(np.nanmax(values))
