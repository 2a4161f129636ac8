"""Pictures of a backtest for MLflow's pages: calibration, error by lag, top features."""

import io
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from services.forecast.engine import diagnostics
from services.forecast.engine.backtest import Outcome
from services.forecast.engine.cells import QUANTILES, Floats, Ints

TOLD_BY = {"model": "model", "naive": "seasonal naive"}
TOP = 15
INCHES, DOTS = (6.0, 4.0), 80


def plots(outcomes: Sequence[Outcome], features: Sequence[str], effects: Floats) -> dict[str, bytes]:
    """PNG by file name, the same bytes for the same input. effects [r, f]: of each feature, on the log of the mean."""
    return {
        "calibration.png": _calibration(outcomes),
        "error_by_lag.png": _error_by_lag(outcomes),
        "top_features.png": _top_features(features, np.abs(effects).mean(axis=0)),
    }


def _calibration(outcomes: Sequence[Outcome]) -> bytes:
    figure, axes = _axes("Calibration in the backtest", "level of the quantile", "share of demand at or below it")
    axes.plot((0, 1), (0, 1), color="grey", linestyle=":", label="calibrated")
    for which, label in TOLD_BY.items():
        axes.plot(QUANTILES, diagnostics.observed(outcomes, which), marker="o", label=label)
    axes.legend()
    return _png(figure)


def _error_by_lag(outcomes: Sequence[Outcome]) -> bytes:
    figure, axes = _axes("Error by lag in the backtest", "periods ahead", "WMAPE")
    for which, label in TOLD_BY.items():
        errors = diagnostics.errors_by_lag(outcomes, which)
        axes.plot(np.arange(1, len(errors) + 1), errors, marker="o", label=label)
    axes.set_ylim(bottom=0)
    axes.legend()
    return _png(figure)


def _top_features(features: Sequence[str], weights: Floats) -> bytes:
    figure, axes = _axes("Top features", "mean absolute effect on the log of the forecast (TreeSHAP)", "")
    shown = heaviest(weights)
    axes.barh([features[number] for number in shown], weights[shown])
    return _png(figure)


def heaviest(weights: Floats) -> Ints:
    """Numbers of the features of most weight, the heaviest last; of equal ones the first counts for more."""
    found: Ints = np.argsort(-weights, kind="stable")[:TOP][::-1]
    return found


def _axes(title: str, x: str, y: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=INCHES, dpi=DOTS, layout="constrained")
    axes = figure.subplots()
    axes.set(title=title, xlabel=x, ylabel=y)
    return figure, axes


def _png(figure: Figure) -> bytes:
    picture = io.BytesIO()
    figure.savefig(picture, format="png", metadata={"Software": None})
    return picture.getvalue()
