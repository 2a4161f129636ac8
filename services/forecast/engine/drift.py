"""Have the inputs changed? Drivers that stand still, and values that are no longer spread as they were.

Sources: Siddiqi (2006), Credit Risk Scorecards, for the population stability index and its customary bounds 0.1 and
0.2; the Wasserstein distance is that between the two samples' quantile functions.
"""

from dataclasses import dataclass

import numpy as np

from services.forecast.engine.cells import Floats, Ints

BINS = 10
LEAST_SHARE = 1e-4  # of a bin that is empty
NOTABLE = 0.2  # of the index
STILL = 2  # periods without any change, before anything is said
_GRID = (np.arange(200) + 0.5) / 200


@dataclass(frozen=True)
class Shift:
    """Between two samples: stability index, and Wasserstein distance in standard deviations of the first."""

    psi: float
    wasserstein: float

    @classmethod
    def between(cls, before: Floats, after: Floats) -> "Shift | None":
        """Of known values; None without any on either side."""
        before, after = before[~np.isnan(before)], after[~np.isnan(after)]
        if not len(before) or not len(after):
            return None
        distance = float(np.abs(np.quantile(before, _GRID) - np.quantile(after, _GRID)).mean())
        deviation = float(before.std())
        return cls(psi(before, after), distance / deviation if deviation > 0 else float(distance > 0) * float(BINS))


def psi(before: Floats, after: Floats) -> float:
    """Population stability index over the deciles of `before`; values that many share have a bin of their own."""
    edges = np.unique(np.quantile(before, np.arange(BINS + 1) / BINS))
    shares = [np.maximum(_counts(sample, edges) / len(sample), LEAST_SHARE) for sample in (before, after)]
    return float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())


def _counts(values: Floats, edges: Floats) -> Ints:
    """How many values lie on each edge and between two, below the first and above the last."""
    place = np.searchsorted(edges, values, side="left") + np.searchsorted(edges, values, side="right")
    return np.bincount(place, minlength=2 * len(edges) + 1)


def still(values: Floats) -> Ints:
    """For how many periods [T] up to each one no series of a driver [n, T] has changed; absent (NaN) is a value too."""
    before, after = values[:, :-1], values[:, 1:]
    changed = (before != after) & ~(np.isnan(before) & np.isnan(after))
    run = np.zeros(values.shape[1], dtype=np.intp)
    for period, moved in enumerate(changed.any(axis=0).tolist(), start=1):
        run[period] = 0 if moved else run[period - 1] + 1
    return run


def silent(values: Floats, watched: int) -> Ints:
    """Periods [m] from `watched` on in which a driver [n, T] stands still for longer than it ever did before.

    A driver that never changed cannot fall silent.
    """
    run = still(values)
    past = run[:watched]
    if not len(past) or past.max() == len(past) - 1:
        return np.zeros(0, dtype=np.intp)
    found: Ints = watched + np.flatnonzero(run[watched:] > max(int(past.max()), STILL - 1))
    return found
