"""A level for item-locations without any demand of their own: that of their nearest peers by attributes."""

import numpy as np
import pandas as pd

from services.forecast.engine.cells import Floats


def peer_levels(series: pd.DataFrame, levels: Floats) -> Floats:
    """Level [n] in units for every series: the median of those that share most with it.

    `levels` [n] is NaN where a series has none. A peer has the same item, else the same value of an
    attribute (in column order), else the same location, else is any series; 1 where nobody has a level.
    """
    attributes = [column for column in series.columns if column not in ("item", "location")]
    known = pd.Series(levels)
    found = pd.Series(np.full(len(series), np.nan))
    for column in ["item", *attributes, "location"]:
        found = found.fillna(known.groupby(series[column].reset_index(drop=True)).transform("median"))
    overall = known.median()
    return found.fillna(1.0 if np.isnan(overall) else overall).to_numpy()
