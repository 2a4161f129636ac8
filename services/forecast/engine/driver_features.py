"""What the model sees of a driver: known-ahead ones around the target, past-only ones as last published.

Their features are named `driver:aspect`. No other feature and no driver has a colon in its name, so a driver may bear
any name.
"""

from typing import TYPE_CHECKING

import numpy as np

from services.forecast.engine.cells import Cells, Floats, Ints
from services.forecast.engine.history import Running, ratio
from services.forecast.engine.panel import DriverPanel

if TYPE_CHECKING:
    from services.forecast.engine.features import Sheet


class DriverHistory:
    """One driver of a panel with the running sums that its features look up, time-major."""

    def __init__(self, driver: DriverPanel, width: int) -> None:
        self.definition = driver.definition
        self.width = width
        self.values: Floats = np.ascontiguousarray(driver.matrix.T)
        known = ~np.isnan(self.values)
        self.sums = Running.over(np.where(known, self.values, 0))
        self.counts = Running.over(known, np.int32)

    def relative(self) -> Floats:
        """Each value relative to its own recent mean, [T+H, n]; NaN where unknown."""
        periods, n = self.values.shape
        return ratio(self.values, self._mean(np.arange(n), np.arange(1, periods + 1)[:, None]))

    def add_to(self, sheet: "Sheet", cells: Cells, market: Floats | None) -> None:
        """Add this driver's features for `cells` to `sheet`; `market` [r] is what a price is held against."""
        if self.definition.known_ahead:
            self._ahead(sheet, cells, market)
        else:
            self._published(sheet, cells)

    def _ahead(self, sheet: "Sheet", cells: Cells, market: Floats | None) -> None:
        name, family = self.definition.name, self.definition.kind
        then = self._at(cells.series, cells.target)
        usual = self._mean(cells.series, cells.origin + 1)
        sheet.add(f"{name}:then", family, then, spread=True)
        sheet.add(f"{name}:now", family, self._at(cells.series, cells.origin))
        if market is None:
            sheet.add(f"{name}:usual", family, usual, spread=True)
            return
        relative = ratio(then, usual)
        sheet.add(f"{name}:relative", family, relative, spread=True)
        sheet.add(f"{name}:gap", family, ratio(relative, market), spread=True)

    def _published(self, sheet: "Sheet", cells: Cells) -> None:
        name, family = self.definition.name, self.definition.kind
        stop = cells.origin + 2 - self.definition.publication_delay
        latest = self._at(cells.series, stop - 1)
        sheet.add(f"{name}:latest", family, latest, spread=True)
        sheet.add(f"{name}:change", family, latest - self._mean(cells.series, np.maximum(stop, 0)))

    def _at(self, series: Ints, period: Ints) -> Floats:
        found: Floats = np.where(period >= 0, self.values[np.maximum(period, 0), series], np.nan)
        return found

    def _mean(self, series: Ints, stop: Ints) -> Floats:
        return ratio(self.sums.window(series, stop, self.width), self.counts.window(series, stop, self.width))
