"""Values that are far from all the others of their row."""

import numpy as np

from services.planner.engine.inputs import Bools, Floats

FENCE = 3.0  # interquartile ranges


def far_out(values: Floats) -> Bools:
    """[n] whether a value of [n, H] lies beyond the outer fences, three interquartile ranges from the quartiles.

    Rows whose quartiles are the same have no fences. Source: Tukey (1977), Exploratory Data Analysis.
    """
    if values.shape[1] == 0:
        return np.zeros(len(values), dtype=bool)
    low, high = np.quantile(values, (0.25, 0.75), axis=1)
    reach = FENCE * (high - low)
    beyond = np.any((values < (low - reach)[:, None]) | (values > (high + reach)[:, None]), axis=1)
    return np.asarray(beyond & (reach > 0))
