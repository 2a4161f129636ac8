"""Whether a model's measured error has left that of its backtest behind."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from services.forecast.engine.reviews import BLOCK, DECAY, FEWEST_PERIODS
from services.forecast.forecasts.tables import Forecast
from services.forecast.models.tables import ModelVersion
from services.forecast.periods import start_of_number
from services.forecast.reviews import filing
from services.forecast.reviews.judged import Judged

DIGITS = 6


def decayed(run: Forecast, version: ModelVersion, told: Judged) -> Iterator[dict[str, Any]]:
    """A recommendation to train anew where the WMAPE since is `DECAY` times the backtest's.

    Measured on what the version told in at least `FEWEST_PERIODS` of the judged periods. Their lags are the shortest,
    the backtest's are all up to the horizon, which favours the version.
    """
    backtest = version.metrics.get("overall", {}).get("model", {}).get("wmape")
    mine = np.array([one.model_version == version.version for one in told.tellings], dtype=bool)
    demand, median = told.demand[:, mine], told.median[:, mine]
    known = ~np.isnan(demand) & ~np.isnan(median)
    total = float(demand[known].sum())
    periods = np.flatnonzero(known.any(axis=0))
    if not backtest or total <= 0 or len(periods) < FEWEST_PERIODS:
        return
    measured = float(np.abs(demand - median)[known].sum()) / total
    if measured < DECAY * backtest:
        return
    numbers = [one.period for one, own in zip(told.tellings, mine.tolist(), strict=True) if own]
    first, last = numbers[periods[0]], numbers[periods[-1]]
    yield {
        "type": "retrain_model",
        "origins": [filing.origin("retrain", version.version, last // BLOCK)],
        "forecast": str(run.id),
        "model_version": version.version,
        "decay": {
            "first": start_of_number(version.frequency, version.last_period, first),
            "last": start_of_number(version.frequency, version.last_period, last),
            "cells": int(known.sum()),
            "measured": round(measured, DIGITS),
            "backtest": round(backtest, DIGITS),
            "ratio": round(measured / backtest, DIGITS),
            "limit": DECAY,
        },
    }
