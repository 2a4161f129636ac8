"""Sizes and chances of rare sales: Croston's method and its two corrections, for all series at once.

Sources: Syntetos and Boylan (2005), The accuracy of intermittent demand estimates, for SBA; Teunter, Syntetos and
Babai (2011), Intermittent demand: linking forecasting to inventory obsolescence, for TSB.
"""

import numpy as np

from services.forecast.engine.cells import Floats, Ints

_GAIN = 0.1


class Intermittent:
    """Smoothed size of a sale, periods between sales and chance of a sale, [n] each."""

    def __init__(self, n: int) -> None:
        self.size = np.zeros(n, dtype=np.float32)
        self.interval = np.ones(n, dtype=np.float32)
        self.chance = np.zeros(n, dtype=np.float32)
        self.waited = np.zeros(n, dtype=np.int32)
        self.sales = np.zeros(n, dtype=np.int32)
        self.periods = np.zeros(n, dtype=np.int32)

    def observe(self, demand: Floats) -> None:
        """Move on by one period with demand [n], NaN where unknown."""
        known, sold = ~np.isnan(demand), demand > 0
        self.waited += known
        self.periods += known
        self.sales += sold
        gain = np.where(sold, _gain(self.sales), 0)
        self.size += gain * (np.where(sold, demand, 0) - self.size)
        self.interval += gain * (self.waited - self.interval)
        self.chance += np.where(known, _gain(self.periods), 0) * (sold - self.chance)
        self.waited[sold] = 0

    def forecast(self, series: Ints) -> tuple[Floats, Floats]:
        """Demand a period of `series` [r], the same at any horizon: by SBA, and by TSB."""
        sba = (1 - _GAIN / 2) * self.size / np.maximum(self.interval, 1)
        return sba[series], (self.size * self.chance)[series]


def _gain(count: Ints) -> Floats:
    found: Floats = np.maximum(_GAIN, 1 / np.maximum(count, 1)).astype(np.float32)
    return found
