"""What the model would have said of whole periods at an earlier origin, so that sums of it can be judged."""

from dataclasses import dataclass

import numpy as np

from services.forecast.engine.cells import WEIGHTS, Floats, Ints


@dataclass(frozen=True)
class Rehearsal:
    """One origin: n item-locations at k `steps` after it (1..horizon), in units.

    demand [n, k] is NaN where unknown or where nothing had been sold by then; mean and deviation [n, k] were told.
    """

    origin: int
    steps: Ints
    demand: Floats
    mean: Floats
    deviation: Floats

    @classmethod
    def of(cls, origin: int, steps: Ints, demand: Floats, mean: Floats, quantiles: Floats) -> "Rehearsal":
        """From quantiles [n, k, K] and means that are NaN where the model had nothing to say."""
        told = np.isfinite(mean)
        spread = np.where(told, deviation(quantiles), 0)
        return cls(origin, steps, np.where(told, demand, np.nan), np.where(told, mean, 0), spread)

    @property
    def known(self) -> Floats:
        """The mean where demand is known, 0 elsewhere: sums of both are then of the same cells, [n, k]."""
        found: Floats = np.where(np.isnan(self.demand), 0, self.mean)
        return found


def deviation(quantiles: Floats) -> Floats:
    """Standard deviation [...] of distributions given by quantiles [..., K] at QUANTILES."""
    mean = quantiles @ WEIGHTS
    found: Floats = np.sqrt(np.maximum(quantiles**2 @ WEIGHTS - mean**2, 0))
    return found
