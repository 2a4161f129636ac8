"""Which item-locations' errors have changed, since when, and at what cost; by demand class and for a class as a whole.

Shapes: n item-locations, T periods, both as arrays of one model's published forecasts at one lag.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from services.forecast.engine.cells import QUANTILES, Floats, Ints
from services.forecast.engine.cusum import Change, Signal
from services.forecast.engine.limits import RATE, Calibration
from services.forecast.engine.scores import extra_loss, normal_scores
from services.forecast.engine.segments import SEGMENTS

type Scope = Literal["items", "segment"]
type _What = tuple[int, Scope, Signal, int]
type Calibrations = Mapping[tuple[int, Scope], Calibration]

_MEDIAN = QUANTILES.index(0.5)
_INSIDE_80 = slice(1, -1, 8)  # the quantiles at 0.1 and 0.9
MANY = 0.2  # share of a class's item-locations from which on an alarm is the model's affair
FEWEST = 5  # and how many they are at least
RECENT = 16  # periods
DECAY = 1.25  # times the error of the backtest
FEWEST_PERIODS = 4


@dataclass(frozen=True)
class Judged:
    """demand, mean [n, T] in units and scores [n, T]; extra [n, T]: decile loss in units beyond the expected.

    inside [n, T]: 1 within the interval of 80 %, else 0; missed [n, T]: distance of demand from the median. All are NaN
    where demand or forecast is unknown.
    """

    demand: Floats
    mean: Floats
    scores: Floats
    extra: Floats
    inside: Floats
    missed: Floats

    @classmethod
    def of(cls, demand: Floats, mean: Floats, quantiles: Floats) -> "Judged":
        """Judge mean [n, T] and quantiles [n, T, K] by demand [n, T]; NaN is unknown."""
        scores = normal_scores(demand, quantiles)
        unknown = np.isnan(scores)
        low, high = np.moveaxis(quantiles[..., _INSIDE_80], -1, 0)
        inside = np.where(unknown, np.nan, (demand >= low) & (demand <= high))
        return cls(
            np.where(unknown, np.nan, demand),
            np.where(unknown, np.nan, mean),
            scores,
            np.where(unknown, np.nan, extra_loss(demand, quantiles)),
            inside,
            np.where(unknown, np.nan, np.abs(demand - quantiles[..., _MEDIAN])),
        )

    @classmethod
    def joined(cls, parts: Sequence["Judged"]) -> "Judged":
        columns = zip(*(vars(part).values() for part in parts), strict=True)
        return cls(*(np.concatenate(column) for column in columns))


@dataclass(frozen=True)
class Alarm:
    """`rows` [m] of item-locations whose errors changed, each `since` [m] a period, first `raised` [m] in another.

    scope segment: the class as a whole alarmed, and its rows are those that moved with it. direction 1: demand above
    the forecast, or wider around it. units [m]: decile loss beyond the expected, from `since` to the last period.
    """

    segment: int
    scope: Scope
    signal: Signal
    direction: int
    rows: Ints
    since: Ints
    raised: Ints
    units: Floats

    def asks(self, watched: int) -> Literal["retrain_model", "review_forecast"]:
        """A new model where it is about a whole class or many of its `watched` item-locations, else a look at some."""
        many = len(self.rows) >= max(FEWEST, MANY * watched)
        return "retrain_model" if self.scope == "segment" or many else "review_forecast"


def calibrations(scores: Floats, segment: Ints, year: int, rate: float = RATE) -> dict[tuple[int, Scope], Calibration]:
    """Of each class that has members, for its item-locations and as a whole, from a backtest's scores [n, T]."""
    found: dict[tuple[int, Scope], Calibration] = {}
    for number in range(len(SEGMENTS)):
        mine = scores[segment == number]
        if len(mine):
            found[number, "items"] = Calibration.of(mine, year, rate=rate)
            found[number, "segment"] = Calibration.of(_whole(mine), year, rate=rate)
    return found


def to_dict(known: Calibrations) -> dict[str, Any]:
    """By class and scope, JSON-safe."""
    found: dict[str, Any] = {}
    for (number, scope), one in known.items():
        found.setdefault(SEGMENTS[number], {})[scope] = one.to_dict()
    return found


def from_dict(told: Mapping[str, Any]) -> dict[tuple[int, Scope], Calibration]:
    scopes: tuple[Scope, ...] = ("items", "segment")
    return {
        (number, scope): Calibration.from_dict(told[name][scope])
        for number, name in enumerate(SEGMENTS)
        for scope in scopes
        if name in told
    }


def completed(known: Calibrations, year: int, rate: float = RATE) -> dict[tuple[int, Scope], Calibration]:
    """The same for every class: where nothing is known, what standard normal scores would ask for."""
    normal = Calibration.of(np.empty((0, 0)), year, rate=rate)
    scopes: tuple[Scope, ...] = ("items", "segment")
    return {(number, scope): known.get((number, scope), normal) for number in range(len(SEGMENTS)) for scope in scopes}


def alarms(judged: Judged, segment: Ints, known: Calibrations) -> list[Alarm]:
    """The newest alarm of each item-location, and of each class as a whole, by class, signal and direction.

    segment [n]: index into SEGMENTS; of each that occurs both scopes are `known`.
    """
    found: list[Alarm] = []
    for number in np.unique(segment).tolist():
        rows = np.flatnonzero(segment == number)
        scores = judged.scores[rows]
        for signal, (_, change) in known[number, "items"].run(scores).items():
            found += _by_item(judged, number, signal, change, rows)
        for signal, (_, change) in known[number, "segment"].run(_whole(scores)).items():
            found += _by_segment(judged, number, signal, change, rows)
    return found


def _whole(scores: Floats) -> Floats:
    """The mean score of a class in each period, [1, T]; NaN where none is known."""
    count = (~np.isnan(scores)).sum(axis=0, keepdims=True)
    return np.where(count > 0, np.nansum(scores, axis=0, keepdims=True) / np.maximum(count, 1), np.nan)


def _by_item(judged: Judged, segment: int, signal: Signal, change: Change, rows: Ints) -> list[Alarm]:
    found = []
    for way in np.unique(change.direction[change.raised >= 0]).tolist():
        those = (change.raised >= 0) & (change.direction == way)
        what: _What = (segment, "items", signal, way)
        found.append(_alarm(judged, what, rows[those], change.since[those], change.raised[those]))
    return found


def _by_segment(judged: Judged, segment: int, signal: Signal, change: Change, rows: Ints) -> list[Alarm]:
    raised, since, way = int(change.raised[0]), int(change.since[0]), int(change.direction[0])
    if raised < 0:
        return []
    moved = np.nansum(judged.scores[rows, since : raised + 1], axis=1) * way
    those = rows[moved > 0] if signal == "level" else rows
    same = np.ones(len(those), dtype=np.intp)
    return [_alarm(judged, (segment, "segment", signal, way), those, same * since, same * raised)] if len(those) else []


def _alarm(judged: Judged, what: _What, rows: Ints, since: Ints, raised: Ints) -> Alarm:
    later = np.arange(judged.extra.shape[1]) >= since[:, None]
    units = np.nansum(np.where(later, judged.extra[rows], 0), axis=1)
    dearest = np.argsort(-units, kind="stable")
    return Alarm(*what, rows[dearest], since[dearest], raised[dearest], units[dearest])


@dataclass(frozen=True)
class Decay:
    """WMAPE `measured` on `cells` from column `first` to `last`, beside that of the backtest."""

    first: int
    last: int
    cells: int
    measured: float
    backtest: float

    @property
    def ratio(self) -> float:
        return self.measured / self.backtest


def decay(judged: Judged, backtest: float) -> Decay | None:
    """Of the newest `RECENT` periods, if at least `FEWEST_PERIODS` are known and WMAPE is `DECAY` times the backtest's.

    It needs no calm before the change, which the sums do, and is blind to what it does not cost much to miss. Lags are
    the shortest, the backtest's are all up to the horizon, which favours the model.
    """
    demand, missed = judged.demand[:, -RECENT:], judged.missed[:, -RECENT:]
    known = ~np.isnan(demand)
    columns, total = np.flatnonzero(known.any(axis=0)), float(np.nansum(demand))
    if len(columns) < FEWEST_PERIODS or total <= 0 or backtest <= 0:
        return None
    start = judged.demand.shape[1] - demand.shape[1]
    first, last = (int(columns[place]) + start for place in (0, -1))
    found = Decay(first, last, int(known.sum()), float(np.nansum(missed)) / total, backtest)
    return found if found.ratio >= DECAY else None


@dataclass(frozen=True)
class Figures:
    """How a class does: None where not defined.

    wmape: of the medians.
    tracking_signal: sum of the errors of its totals by period over their mean size; positive is too high.
    extra_pinball: decile loss beyond that which the forecasts expected, of demand.
    """

    n: int
    item_locations: int
    wmape: float | None
    bias: float | None
    tracking_signal: float | None
    coverage_80: float | None
    extra_pinball: float | None

    @classmethod
    def of(cls, judged: Judged, rows: Ints) -> "Figures":
        known = ~np.isnan(judged.scores[rows])
        errors = (judged.mean - judged.demand)[rows]
        by_period = np.nansum(errors, axis=0)[known.any(axis=0)]
        demand, size = float(np.nansum(judged.demand[rows])), float(np.abs(by_period).mean()) if len(by_period) else 0.0
        return cls(
            n=int(known.sum()),
            item_locations=int(known.any(axis=1).sum()),
            wmape=_share(float(np.nansum(judged.missed[rows])), demand),
            bias=_share(float(by_period.sum()), demand),
            tracking_signal=_share(float(by_period.sum()), size),
            coverage_80=_share(float(np.nansum(judged.inside[rows])), float(known.sum())),
            extra_pinball=_share(float(np.nansum(judged.extra[rows])), demand),
        )


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None
