"""Stage 1: the expected demand of a cell, one Poisson model for all series and steps.

The target is demand scaled by the series' level; the log link keeps the mean unbiased where a model of
log demand would not. Its trees are small because the level carries the size.
"""

from dataclasses import dataclass

import numpy as np

from services.forecast.engine.boosting import Booster, Fit
from services.forecast.engine.cells import Floats

_ROUNDS = 150
_WINSOR = 0.9995  # single outliers beyond this quantile of the scaled demand are drawn in
_FLOOR = 0.02  # of the level: keeps ratios to the mean finite
_PARAMETERS: dict[str, float | str] = {
    "objective": "count:poisson",
    "max_depth": 6,
    "learning_rate": 0.06,
    "subsample": 0.8,
    "colsample_bytree": 0.6,
    "min_child_weight": 10,
    "reg_lambda": 2.0,
}


@dataclass(frozen=True)
class MeanModel:
    """Expected demand relative to the level."""

    booster: Booster

    @classmethod
    def fit(cls, matrix: Floats, target: Floats, how: Fit) -> "MeanModel":
        """Fit to features [r, f] and scaled demand [r]."""
        drawn_in = np.minimum(target, np.quantile(target, _WINSOR))
        return cls(Booster.fit(matrix, drawn_in, _ROUNDS, how, **_PARAMETERS))

    def predict(self, matrix: Floats) -> Floats:
        """Expected demand / level of each row, [r], positive."""
        found: Floats = np.maximum(self.booster.predict(matrix), _FLOOR).astype(np.float64)
        return found

    def effects(self, matrix: Floats) -> Floats:
        """Log effect of each feature, [r, f + 1]; the last column is the log of the mean that all rows share."""
        return self.booster.effects(matrix).astype(np.float64)
