"""How long a unit that the first order leaves over stays, in review periods.

Where the level that orders fill up to stays as it is, the next review orders one unit less, and a unit too many is held
for one review period. Where the level falls, as after a promotion or a season, no later order can be made smaller until
demand has brought the position down to the level, and the first order answers for all that time.

Source: Morton and Pentico (1995), The finite horizon nonstationary stochastic inventory problem: near-myopic bounds,
for the falling level as the case in which an order by the next review alone is too large.
"""

import numpy as np

from services.planner.engine.inputs import Floats, Ints, Supply

MOST_REVIEWS = 8  # looked ahead to; what is left after them counts as made use of then


def lingering(supply: Supply, paths: np.ndarray, reorder_point: Floats) -> Floats:
    """[n] mean over paths [n, S, T] of the review periods, 1 to MOST_REVIEWS, until a unit too many is made use of.

    reorder_point: [n, T] units that the releases after the first are measured against.
    """
    found = np.ones(len(paths))
    falls = _falls(supply, reorder_point)
    rows = np.flatnonzero(falls[:, 0] > 0)
    if not len(rows):
        return found
    ordered, review = supply.fence[rows], supply.review[rows]
    demand = np.zeros((len(rows), paths.shape[1]), dtype=np.result_type(paths, np.float32))
    over = np.ones(demand.shape, dtype=bool)
    for reviews in range(MOST_REVIEWS - 1):
        demand += _between(paths, rows, ordered + reviews * review, review)
        over &= demand < falls[rows, reviews, None]
        if not np.any(over):
            break
        found[rows] += over.mean(axis=1)
    return found


def _falls(supply: Supply, reorder_point: Floats) -> Floats:
    """[n, MOST_REVIEWS - 1] units by which the level is lower at each later review than at the first order's release.

    None at a review whose lead time and review leave the horizon: the forecast ends there, not the demand.
    """
    n, periods = reorder_point.shape
    later = supply.fence[:, None] + np.arange(1, MOST_REVIEWS) * supply.review[:, None]
    known = later + (supply.lead_time + supply.review)[:, None] <= periods
    top = reorder_point[np.arange(n), supply.fence]
    return np.where(known, top[:, None] - np.take_along_axis(reorder_point, later * known, axis=1), 0.0)


def _between(paths: np.ndarray, rows: Ints, start: Ints, length: Ints) -> np.ndarray:
    """[r, S] demand of some rows of paths [n, S, T] in the `length` [r] buckets from `start` [r] on, in the horizon."""
    periods = paths.shape[2]
    demand = np.zeros((len(rows), paths.shape[1]), dtype=paths.dtype)
    for step in range(int(length.max())):
        bucket = start + step
        counts = (step < length) & (bucket < periods)
        demand += paths[rows, :, np.minimum(bucket, periods - 1)] * counts[:, None]
    return demand
