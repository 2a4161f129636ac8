"""Stock that keeps for a while: what came first is used first, and what is too old is thrown away."""

import numpy as np

from services.planner.engine.inputs import Ints
from services.planner.engine.lots import SLACK


class Shelf:
    """What n item-locations of limited shelf life received, on S paths."""

    def __init__(self, shelf_life: Ints, paths: int, periods: int) -> None:
        """shelf_life [n]: buckets in which a unit can be used from its receipt on; above T = without end."""
        self.rows = np.flatnonzero(shelf_life <= periods)
        self._life = shelf_life[self.rows]
        self._came = np.zeros((periods + 1, len(self.rows), paths))  # sums of the buckets before

    def expired(self, t: int, came: np.ndarray, stock: np.ndarray) -> np.ndarray:
        """[k, S] what of the stock cannot be used after bucket t, of the k `rows` that expire; buckets in their order.

        came, stock: [k, S] units received in t, and left at its end. Stock on hand counts as fresh at first.
        """
        np.add(self._came[t], came, out=self._came[t + 1])
        kept = t - self._life + 2  # receipts from this bucket on can still be used
        young = self._came[t + 1] - self._came[np.maximum(kept, 0), np.arange(len(kept))]
        old = np.where((kept > 0)[:, None], stock - young, 0.0)
        return np.where(old > SLACK * stock, old, 0.0).astype(stock.dtype)
