"""Two forecasts of the same cells, by group and period: which share of the losses the second one saves."""

import numpy as np

from services.forecast.engine import gates
from services.forecast.engine.cells import Floats, Ints
from services.forecast.engine.gates import Interval


class Comparison:
    """Sums [3, groups, periods]: losses of the first, of the second, and cells; gathered block by block."""

    def __init__(self, groups: int, periods: int) -> None:
        self._sums = np.zeros((3, groups, periods))

    def add(self, group: Ints, place: Ints, first: Floats, second: Floats) -> None:
        """Count losses [b, h] of b item-locations, each of its `group` [b], in periods `place` [h]; NaN is unknown."""
        known = ~np.isnan(first) & ~np.isnan(second)
        for total, values in zip(self._sums, (first, second, np.ones(known.shape)), strict=True):
            np.add.at(total, (group[:, None], place[None, :]), np.where(known, values, 0))

    def periods(self, group: int) -> int:
        """In how many there was a cell."""
        return int((self._sums[2, group] > 0).sum())

    def saved(self, group: int, horizon: int) -> Interval | None:
        """The share, by the means over each period's cells; None of fewer than two periods."""
        first, second, count = self._sums[:, group]
        means = [np.where(count > 0, total / np.maximum(count, 1), np.nan) for total in (first, second)]
        return gates.saved(means[1], means[0], horizon)
