"""A forecast for item-locations without any demand of their own: that of their nearest peers by attributes."""

import numpy as np
import pandas as pd

from services.forecast.engine.cells import QUANTILES, WEIGHTS, Bools, Floats


def from_peers(series: pd.DataFrame, new: Bools, mean: Floats, quantiles: Floats) -> tuple[Floats, Floats]:
    """Replace the forecasts of `new` series [n] in mean [n, H] and quantiles [n, H, K] by their peers'.

    Peers have the same item, else the same value of an attribute (in column order), else the same
    location, else are all. The mean is the median peer's; the quantiles are those of drawing one of them
    at random, so they are wider than any one peer's. Without peers the forecast is 0.
    """
    mean, quantiles = np.where(new[:, None], 0, mean), np.where(new[:, None, None], 0, quantiles)
    if new.all():
        return mean, quantiles
    groups: dict[tuple[str, object], tuple[Floats, Floats]] = {}
    for row in np.flatnonzero(new):
        key = _nearest(series, ~new, int(row))
        if key not in groups:
            peers = ~new if key[0] == "" else ~new & _shares(series, *key)
            groups[key] = np.median(mean[peers], axis=0), _pooled(quantiles[peers])
        mean[row], quantiles[row] = groups[key]
    return mean, quantiles


def _nearest(series: pd.DataFrame, known: Bools, row: int) -> tuple[str, object]:
    """Column and value that the row shares with some known series; an empty column for all of them."""
    attributes = [column for column in series.columns if column not in ("item", "location")]
    for column in ["item", *attributes, "location"]:
        value = series[column].iloc[row]
        if (known & _shares(series, column, value)).any():
            return column, value
    return "", None


def _shares(series: pd.DataFrame, column: str, value: object) -> Bools:
    same: Bools = (series[column] == value).fillna(value=False).to_numpy(dtype=bool)
    return same


def _pooled(quantiles: Floats) -> Floats:
    """Quantiles [H, K] of the even mixture of p distributions given by quantiles [p, H, K]."""
    peers, horizon, _ = quantiles.shape
    values = quantiles.swapaxes(0, 1).reshape(horizon, -1)
    return _weighted_quantiles(values, np.tile(WEIGHTS, peers))


def _weighted_quantiles(values: Floats, weights: Floats) -> Floats:
    """Quantiles [H, K] of the `values` [H, m], each row with the same `weights` [m]."""
    order = np.argsort(values, axis=1, kind="stable")
    ranked = np.take_along_axis(values, order, axis=1)
    mass = np.cumsum(weights[order], axis=1) - weights[order] / 2
    levels = np.array(QUANTILES)
    return np.array([np.interp(levels, m / weights.sum(), v) for m, v in zip(mass, ranked, strict=True)])
