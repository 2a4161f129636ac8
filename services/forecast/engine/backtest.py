"""How good the model would have been: rolling origins, retrained at each, against seasonal naive."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from services.forecast.engine import monitoring
from services.forecast.engine.baselines import seasonal_naive
from services.forecast.engine.cells import QUANTILES, Bools, Dates, Floats, Ints, TooShort
from services.forecast.engine.level_scores import LevelOutcome, level_outcomes, level_report
from services.forecast.engine.limits import YEAR
from services.forecast.engine.metrics import Scores, decile_loss
from services.forecast.engine.panel import Panel
from services.forecast.engine.scores import normal_scores
from services.forecast.engine.segments import SEGMENTS, VOLUMES, segments, volumes
from services.forecast.engine.training import train
from services.forecast.engine.value_added import Point, told_by_members, value_added

LEVEL = 0.9  # of the intervals of improvement
_DRAWS = 1_000
_MEDIAN = QUANTILES.index(0.5)
_SHOWN = 10
_METHOD = (
    "rolling non-overlapping origins, model retrained at each on what was known then; improvement is 1 - "
    f"loss / seasonal naive's loss; {LEVEL:.0%} percentile interval of {_DRAWS} bootstrap draws that resample "
    "series and origins, whole series and whole origins at a time"
)


@dataclass(frozen=True)
class Outcome:
    """One origin: history [n, t], demand that came [n, H], and what model, yardstick and members [M, n, H] had said."""

    periods: Dates
    history: Floats
    demand: Floats
    model: tuple[Floats, Floats]
    naive: tuple[Floats, Floats]
    members: Floats
    segment: Ints
    volume: Ints
    levels: tuple[LevelOutcome, ...] = ()

    @property
    def origin(self) -> np.datetime64:
        found: np.datetime64 = self.periods[0]
        return found

    @property
    def point(self) -> Point:
        return Point(self.history, self.demand, self.model[0], self.members)

    def among(self, segment: int | None, volume: int | None) -> Bools:
        """Which series [n] are of a demand class and of a volume; None stands for all."""
        alike = np.ones(len(self.demand), dtype=bool)
        if segment is not None:
            alike &= self.segment == segment
        if volume is not None:
            alike &= self.volume == volume
        return alike

    def scores(self, which: str, season: int, rows: Ints | slice = slice(None)) -> Scores:
        mean, quantiles = getattr(self, which)
        return Scores.of(self.history[rows], self.demand[rows], mean[rows], quantiles[rows], season)

    def losses(self, which: str) -> tuple[Floats, Floats]:
        """Decile loss and absolute error of the median, summed by series [n], in units."""
        quantiles = getattr(self, which)[1]
        errors = np.abs(self.demand - quantiles[..., _MEDIAN])
        return np.nansum(decile_loss(self.demand, quantiles), axis=1), np.nansum(errors, axis=1)


@dataclass(frozen=True)
class Improvement:
    """Share of seasonal naive's loss that the model saves, with its interval."""

    estimate: float
    low: float
    high: float

    @classmethod
    def of(cls, model: Floats, naive: Floats, seed: int) -> "Improvement | None":
        """From losses [origins, n] on the same cells; None where seasonal naive never errs."""
        if naive.sum() <= 0:
            return None
        rng = np.random.default_rng(seed)
        draws = np.array([_resampled(model, naive, rng) for _ in range(_DRAWS)])
        low, high = np.nanquantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return cls(float(1 - model.sum() / naive.sum()), float(low), float(high))

    def to_dict(self) -> dict[str, float]:
        return {"estimate": self.estimate, "low": self.low, "high": self.high, "level": LEVEL}


@dataclass(frozen=True)
class BacktestReport:
    """Scores of model, seasonal naive and members on the same cells: overall, by class, series, series and origin."""

    outcomes: tuple[Outcome, ...]
    series: pd.DataFrame
    season: int
    seed: int
    seconds: float
    monitoring: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe report; undefined figures are None. See docs of each score in metrics."""
        wql, error = _losses(self.outcomes)
        return {
            "origins": [str(outcome.origin) for outcome in self.outcomes],
            "horizon": self.outcomes[0].demand.shape[1],
            "series_count": len(self.series),
            "method": _METHOD,
            "overall": self._scores(None),
            "members": self._value_added(None),
            "volumes": self._volumes(),
            "segments": self._segments(),
            "levels": level_report([outcome.levels for outcome in self.outcomes]),
            "improvement": {
                "wql": _improvement(wql, self.seed),
                "wmape": _improvement(error, self.seed),
            },
            "series": _winners(self.by_series(), ["item", "location", "segment"]),
            "cells": _winners(self.by_cell(), ["item", "location", "origin"]),
            "monitoring": self.monitoring,
            "seconds": round(self.seconds, 3),
        }

    def by_series(self) -> pd.DataFrame:
        """One row per series: item, location, segment (latest), its losses in units and the improvement."""
        model, naive = _losses(self.outcomes)[0].sum(axis=1)
        latest = np.array(SEGMENTS)[self.outcomes[-1].segment]
        return _compared(self.series[["item", "location"]].assign(segment=latest), model, naive)

    def by_cell(self) -> pd.DataFrame:
        """One row per origin and series: item, location, origin, its losses in units and the improvement."""
        model, naive = _losses(self.outcomes)[0]
        at = [self.series[["item", "location"]].assign(origin=str(outcome.origin)) for outcome in self.outcomes]
        return _compared(pd.concat(at, ignore_index=True), model.ravel(), naive.ravel())

    def _scores(self, segment: int | None, volume: int | None = None) -> dict[str, dict[str, float | None]]:
        at = self._with(segment, volume)
        return {
            label: Scores.average([outcome.scores(which, self.season, rows) for outcome, rows in at]).to_dict()
            for label, which in (("model", "model"), ("seasonal_naive", "naive"))
        }

    def _value_added(self, segment: int | None, volume: int | None = None) -> dict[str, dict[str, float | None]]:
        return value_added([outcome.point.take(rows) for outcome, rows in self._with(segment, volume)])

    def _with(self, segment: int | None, volume: int | None) -> list[tuple[Outcome, Ints | slice]]:
        """Outcomes that hold series of the demand class and of the volume, and which; None stands for all."""
        if segment is None and volume is None:
            return [(outcome, slice(None)) for outcome in self.outcomes]
        rows = [np.flatnonzero(outcome.among(segment, volume)) for outcome in self.outcomes]
        return [(outcome, own) for outcome, own in zip(self.outcomes, rows, strict=True) if len(own)]

    def _class(self, segment: int | None, volume: int | None) -> dict[str, Any]:
        """What the report says of a class, with the number of series that are in it at the latest origin."""
        count = int(self.outcomes[-1].among(segment, volume).sum())
        if not self._with(segment, volume):
            return {}
        return {"series": count, **self._scores(segment, volume), "members": self._value_added(segment, volume)}

    def _volumes(self, segment: int | None = None) -> dict[str, Any]:
        found = {name: self._class(segment, number) for number, name in enumerate(VOLUMES)}
        return {name: figures for name, figures in found.items() if figures}

    def _segments(self) -> dict[str, Any]:
        found = {name: self._class(number, None) for number, name in enumerate(SEGMENTS)}
        return {
            name: {**figures, "volumes": self._volumes(SEGMENTS.index(name))}
            for name, figures in found.items()
            if figures
        }


def backtest(
    panel: Panel,
    *,
    origins: int = 3,
    seed: int = 7,
    threads: int = 2,
    progress: Callable[[int, int, str], None] = lambda _done, _total, _what: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> BacktestReport:
    """Forecast the last `origins` horizons of history, each with a model trained before it.

    Fewer origins are used where the history is too short for all; TooShort is raised where it has room
    for none. Raises Cancelled when asked to stop.
    """
    started = time.monotonic()
    lengths = _lengths(len(panel.periods), panel.horizon, origins)
    outcomes = []
    for number, length in enumerate(lengths):
        progress(number, len(lengths), "backtest origin")
        outcomes.append(_outcome(panel, length, seed=seed, threads=threads, cancelled=cancelled))
    progress(len(lengths), len(lengths), "backtested")
    scores = np.concatenate([normal_scores(outcome.demand, outcome.model[1]) for outcome in outcomes], axis=1)
    limits = monitoring.to_dict(monitoring.calibrations(scores, outcomes[-1].segment, YEAR[panel.frequency]))
    return BacktestReport(tuple(outcomes), panel.series, panel.season, seed, time.monotonic() - started, limits)


def _lengths(periods: int, horizon: int, origins: int) -> list[int]:
    """Lengths of history at each origin, oldest first; at least a horizon and two periods must lie before."""
    ends = [periods - horizon * (back + 1) for back in range(origins)]
    usable = [end for end in ends if end >= horizon + 2]
    if not usable:
        raise TooShort(f"a backtest needs {2 * horizon + 2} periods of history, there are {periods}")
    return usable[::-1]


def _outcome(panel: Panel, length: int, *, seed: int, threads: int, cancelled: Callable[[], bool]) -> Outcome:
    known = panel.until(length)
    forecast = train(known, seed=seed, threads=threads, cancelled=cancelled).forecast(known)
    demand = panel.demand[:, length : length + panel.horizon]
    return Outcome(
        periods=known.future,
        history=known.demand,
        demand=demand,
        model=(forecast.mean, forecast.quantiles),
        naive=seasonal_naive(known.demand, panel.horizon, panel.season),
        members=told_by_members(known),
        segment=segments(known.demand),
        volume=volumes(known.demand),
        levels=tuple(level_outcomes(known, demand, forecast.mean, forecast.reconciled)),
    )


def _losses(outcomes: tuple[Outcome, ...]) -> tuple[Floats, Floats]:
    """Decile loss and absolute error, each [2 (model, naive), origins, n]."""
    table = np.array([[outcome.losses(which) for outcome in outcomes] for which in ("model", "naive")])
    return table[:, :, 0], table[:, :, 1]


def _improvement(losses: Floats, seed: int) -> dict[str, float] | None:
    found = Improvement.of(losses[0], losses[1], seed)
    return None if found is None else found.to_dict()


def _resampled(model: Floats, naive: Floats, rng: np.random.Generator) -> float:
    origins, n = model.shape
    by_origin = rng.multinomial(origins, np.full(origins, 1 / origins))
    by_series = rng.multinomial(n, np.full(n, 1 / n))
    yardstick = by_origin @ naive @ by_series
    return float(1 - by_origin @ model @ by_series / yardstick) if yardstick > 0 else float("nan")


def _compared(where: pd.DataFrame, model: Floats, naive: Floats) -> pd.DataFrame:
    """`where` with both losses, the gain in units, and the improvement: NaN where seasonal naive never errs."""
    share = np.where(naive > 0, 1 - model / np.where(naive > 0, naive, 1), np.nan)
    return where.assign(model_loss=model, naive_loss=naive, gain=naive - model, improvement=share)


def _winners(table: pd.DataFrame, names: list[str]) -> dict[str, Any]:
    """Count where the model is better or worse, and name where it gains and loses the most units.

    The improvement is None where seasonal naive never errs: the model can only lose there.
    """
    ranked = table.sort_values("gain", kind="stable")
    better, worse = ranked[ranked["gain"] > 0], ranked[ranked["gain"] < 0]
    return {
        "better": len(better),
        "worse": len(worse),
        "best": _named(better.tail(_SHOWN)[::-1], names),
        "worst": _named(worse.head(_SHOWN), names),
    }


def _named(table: pd.DataFrame, names: list[str]) -> list[dict[str, Any]]:
    shown = table[[*names, "improvement"]].astype({"improvement": object})
    records: list[Any] = shown.where(shown.notna(), None).to_dict("records")
    return records
