"""Forecast errors as plain functions on arrays; unknown demand (NaN) does not count.

Sources: Hyndman and Koehler (2006) for MASE; Makridakis et al. (2022), M5, for RMSSE; the weighted
quantile loss is that of GluonTS and GIFT-Eval over the deciles 0.1 ... 0.9.
"""

from dataclasses import asdict, dataclass

import numpy as np

from services.forecast.engine.cells import QUANTILES, Floats

_DECILES = slice(1, -1)
_MEDIAN = QUANTILES.index(0.5)


def pinball(demand: Floats, quantiles: Floats, levels: Floats) -> Floats:
    """Quantile loss [..., K] of `quantiles` [..., K] at `levels` [K], in units; NaN demand stays NaN."""
    miss = demand[..., None] - quantiles
    found: Floats = np.maximum(levels * miss, (levels - 1) * miss)
    return found


def decile_loss(demand: Floats, quantiles: Floats) -> Floats:
    """Twice the mean pinball loss over the nine deciles for each cell, in units."""
    levels = np.array(QUANTILES)[_DECILES]
    found: Floats = 2 * pinball(demand, quantiles[..., _DECILES], levels).mean(axis=-1)
    return found


def wmape(demand: Floats, forecast: Floats) -> float:
    """Sum of absolute errors over the sum of demand."""
    return _share(np.abs(demand - forecast), demand)


def bias(demand: Floats, forecast: Floats) -> float:
    """Sum of forecast minus demand over the sum of demand; positive is too high."""
    return _share(forecast - demand, demand)


def wql(demand: Floats, quantiles: Floats) -> float:
    """Weighted quantile loss over the deciles."""
    return _share(decile_loss(demand, quantiles), demand)


def coverage(demand: Floats, low: Floats, high: Floats) -> float:
    """Share of known cells inside [low, high]; NaN without any."""
    known = ~np.isnan(demand)
    return float(((demand >= low) & (demand <= high))[known].mean()) if known.any() else float("nan")


def seasonal_scale(history: Floats, season: int) -> Floats:
    """Mean absolute seasonal difference [n] of `history` [n, T], NaN where there is none."""
    if history.shape[1] <= season:
        return np.full(len(history), np.nan)
    return row_mean(np.abs(history[:, season:] - history[:, :-season]))


def mase(history: Floats, demand: Floats, forecast: Floats, season: int) -> float:
    """Mean over series of the absolute error scaled by the in-sample seasonal naive error."""
    return _mean_of_positive(row_mean(np.abs(demand - forecast)), seasonal_scale(history, season))


def rmsse(history: Floats, demand: Floats, forecast: Floats) -> float:
    """Mean over series of the root of the squared error scaled by the in-sample naive squared error."""
    errors, steps = row_mean((demand - forecast) ** 2), row_mean(np.diff(history, axis=1) ** 2)
    return _mean_of_positive(np.sqrt(errors), np.sqrt(steps))


@dataclass(frozen=True)
class Scores:
    """Errors of one forecast over many cells. WMAPE and MASE judge the median, RMSSE and bias the mean."""

    wql: float
    wmape: float
    mase: float
    rmsse: float
    bias: float
    coverage_80: float
    coverage_95: float

    @classmethod
    def of(cls, history: Floats, demand: Floats, mean: Floats, quantiles: Floats, season: int) -> "Scores":
        """Judge mean [n, H] and quantiles [n, H, K] by demand [n, H]; `history` [n, T] gives the scales."""
        median = quantiles[..., _MEDIAN]
        return cls(
            wql=wql(demand, quantiles),
            wmape=wmape(demand, median),
            mase=mase(history, demand, median, season),
            rmsse=rmsse(history, demand, mean),
            bias=bias(demand, mean),
            coverage_80=coverage(demand, quantiles[..., 1], quantiles[..., -2]),
            coverage_95=coverage(demand, quantiles[..., 0], quantiles[..., -1]),
        )

    @classmethod
    def average(cls, scores: list["Scores"]) -> "Scores":
        """Mean of each score over origins, those without a value left out."""
        table = np.array([list(asdict(score).values()) for score in scores])
        return cls(*row_mean(table.T).tolist())

    def to_dict(self) -> dict[str, float | None]:
        """Scores by name; None where a score is not defined, since JSON knows no NaN."""
        return {name: value if np.isfinite(value) else None for name, value in asdict(self).items()}


def _share(loss: Floats, demand: Floats) -> float:
    total = float(np.nansum(np.abs(demand), dtype=np.float64))
    return float(np.nansum(loss, dtype=np.float64)) / total if total > 0 else float("nan")


def row_mean(values: Floats) -> Floats:
    known = ~np.isnan(values)
    count = known.sum(axis=1)
    sums = np.where(known, values, 0).sum(axis=1, dtype=np.float64)
    found: Floats = np.where(count > 0, sums / np.maximum(count, 1), np.nan)
    return found


def _mean_of_positive(errors: Floats, scales: Floats) -> float:
    usable = (scales > 0) & ~np.isnan(errors)
    return float((errors[usable] / scales[usable]).mean()) if usable.any() else float("nan")
