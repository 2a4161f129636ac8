"""Whether deliveries come as long after their order as the lead time says."""

from dataclasses import dataclass

import numpy as np

from services.planner.engine.inputs import Floats

FEWEST = 5  # deliveries from which anything is concluded
ERRORS = 2.0  # standard errors of the mean that lateness must exceed
LEAST = 0.5  # buckets: less is no other lead time


@dataclass(frozen=True, slots=True)
class Lateness:
    """What deliveries show; in buckets."""

    deliveries: int
    mean: float  # late; negative: early
    spread: float  # standard deviation
    error: float  # standard error of the mean


def lateness(late: Floats) -> Lateness | None:
    """Deliveries late [k] buckets each, where they are late or early on average beyond chance; else None."""
    if len(late) < FEWEST:
        return None
    mean, spread = float(np.mean(late)), float(np.std(late, ddof=1))
    error = spread / np.sqrt(len(late))
    found = Lateness(len(late), mean, spread, float(error))
    return found if abs(mean) >= LEAST and abs(mean) > ERRORS * error else None
