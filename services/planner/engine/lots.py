"""Order quantities that a supplier accepts: multiples of a lot between MOQ and maximum."""

import numpy as np

from services.planner.engine.inputs import Floats, Supply

SLACK = 1e-6  # relative: paths are float32, so a need is not known more closely than this


def round_up(need: Floats, supply: Supply) -> Floats:
    """Smallest feasible order >= need, the largest feasible one if there is none, 0 where need <= 0.

    need: [n] or [n, S] units.
    """
    lots = _lots(need, supply)
    return _feasible(np.ceil(lots - _doubt(lots)), need, supply)


def round_down(need: Floats, supply: Supply) -> Floats:
    """Largest feasible order <= need, but at least the smallest feasible one; 0 where need <= 0."""
    lots = _lots(need, supply)
    return _feasible(np.floor(lots + _doubt(lots)), need, supply)


def _lots(need: Floats, supply: Supply) -> Floats:
    return np.asarray(need / _beside(supply.multiple, need))


def _doubt(lots: Floats) -> Floats:
    """Lots within which two quantities are the same; below half a lot, so that rounding stays in order."""
    return np.clip(SLACK * lots, 1e-9, 0.4)


def _feasible(lots: Floats, need: Floats, supply: Supply) -> Floats:
    first, last = _beside(supply.first_lot, need), _beside(supply.last_lot, need)
    wanted = np.clip(lots, first, last) * _beside(supply.multiple, need)
    return np.where(need > 0, wanted, 0.0)


def _beside(values: np.ndarray, need: Floats) -> np.ndarray:
    """[n] values shaped to broadcast over `need`."""
    return values.reshape(-1, *(1,) * (need.ndim - 1))
