"""Order quantities that a supplier accepts: multiples of a lot between MOQ and maximum."""

import numpy as np

from services.planner.engine.inputs import Floats, Supply

SLACK = 1e-6  # relative: paths are float32, so a need is not known more closely than this
TEN_SLACK = np.float32(10 * SLACK)  # of a bucket's demand: a smaller shortage is none


def round_up(need: Floats, supply: Supply) -> Floats:
    """Smallest feasible order >= need, the largest feasible one if there is none, 0 where need <= 0.

    need: [n] or [n, S] units.
    """
    lots = _lots(need, supply)
    return _feasible(np.ceil(lots - _doubt(lots)), need, supply)


def fill_up(supply: Supply, position: np.ndarray, level: np.ndarray, scale: Floats) -> np.ndarray:
    """[n, S] smallest feasible order that lifts each position [n, S] to the level, the largest where none does.

    level: [n, 1] or [n, S] units; scale [n, 1]: units against which rounding error is judged. As `round_up` of what
    is missing, in the precision of the positions.
    """
    kind = position.dtype
    per_unit = (1 / supply.multiple)[:, None].astype(level.dtype)
    wished = (level * per_unit - _doubt(scale * per_unit).astype(level.dtype)).astype(kind)
    lots: np.ndarray = np.ceil(wished - position * per_unit.astype(kind))
    wanted = lots > 0
    if np.any(supply.first_lot > 1):
        lots = np.maximum(lots, supply.first_lot[:, None].astype(kind))
    if np.any(np.isfinite(supply.max_qty)):
        lots = np.minimum(lots, supply.last_lot[:, None].astype(kind))
    lots *= supply.multiple[:, None].astype(kind)
    lots *= wanted
    return lots


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
