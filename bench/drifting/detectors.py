"""Contestants: from a set's forecasts and one threshold to alarms, all calibrated to the same rate of false ones."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.drifting.replay import Replay, Told
from services.forecast.engine.cells import Bools, Floats, Ints
from services.forecast.engine.cusum import cusum, relative, rooted
from services.forecast.engine.drift import silent
from services.forecast.engine.limits import YEAR
from services.forecast.engine.monitoring import Calibrations, calibrations
from services.forecast.engine.scores import normal_scores
from services.forecast.engine.segments import segments

SMOOTHING = 0.1  # of the tracking signals, as the textbooks have it
_HIGHEST, _ROUNDS = 1000.0, 40

type Detector = Callable[[Told, float], Bools]
"""(forecasts and demand, threshold) -> [n, T] alarms, those before the end of training left out."""


@dataclass(frozen=True)
class Contestants:
    """Detectors by name that know a set's periods between training and the first change as their backtest.

    calibrations: the service's own, by demand class; segment [n].
    """

    replay: Replay
    segment: Ints
    calibrations: Calibrations

    @classmethod
    def of(cls, replay: Replay, rate: float) -> "Contestants":
        told = replay.healthy
        scores = normal_scores(told.demand, told.quantiles)[:, replay.first : replay.watched]
        segment = segments(told.demand[:, : replay.watched])
        return cls(replay, segment, calibrations(scores, segment, YEAR[replay.what.frequency], rate))

    def all(self) -> Mapping[str, Detector]:
        return {
            "ours": self.ours,
            "tracking_signal": lambda told, limit: self._tracked(told, limit, fading=False),
            "smoothed_tracking_signal": lambda told, limit: self._tracked(told, limit, fading=True),
            "raw_cusum": self._raw,
        }

    def ours(self, told: Told, factor: float) -> Bools:
        """The service's two sums at `factor` times the limits that the backtest gave, and drivers that stand still."""
        scores = normal_scores(told.demand, told.quantiles)[:, self.replay.first :]
        raised = np.zeros(scores.shape, dtype=bool)
        for number in np.unique(self.segment).tolist():
            rows, known = self.segment == number, self.calibrations[number, "items"]
            deviations = relative(scores[rows], known.baseline)
            raised[rows] = cusum(deviations, factor * known.limits.level).raised
            raised[rows] |= cusum(rooted(deviations), factor * known.limits.spread, both=False).raised
        found = self._padded(raised)
        for driver in told.drivers:
            quiet = silent(driver.matrix[:, : found.shape[1]], self.replay.watched)
            found[:, quiet[:1]] = True
        return found

    def _raw(self, told: Told, limit: float) -> Bools:
        """A two-sided CUSUM of errors in units, with half a series' own deviation in the backtest as allowance."""
        errors = self._errors(told)
        return self._padded(cusum(errors / self._usual(np.nanstd)[:, None], limit).raised)

    def _tracked(self, told: Told, limit: float, *, fading: bool) -> Bools:
        """Sum of errors over their smoothed absolute size (Brown 1959), or both smoothed (Trigg 1964)."""
        errors = self._errors(told)
        total, size = np.zeros(len(errors)), self._usual(lambda past, axis: np.nanmean(np.abs(past), axis=axis))
        raised = np.zeros(errors.shape, dtype=bool)
        for period, told_error in enumerate(errors.T):
            known, error = ~np.isnan(told_error), np.nan_to_num(told_error)
            moved = total + SMOOTHING * (error - total) if fading else total + error
            total = np.where(known, moved, total)
            size = np.where(known, size + SMOOTHING * (np.abs(error) - size), size)
            alarm = np.abs(total) > (limit / _HIGHEST if fading else limit) * size
            raised[:, period], total = alarm, np.where(alarm, 0.0, total)
        return self._padded(raised)

    def _errors(self, told: Told) -> Floats:
        found: Floats = (told.demand - told.mean)[:, self.replay.first :]
        return found

    def _usual(self, of: Callable[..., Any]) -> Floats:
        """A figure [n] of the backtest's errors; 1 where there is none."""
        past = self._errors(self.replay.healthy)[:, : self.replay.watched - self.replay.first]
        found: Floats = of(past, axis=1)
        return np.where(found > 0, found, 1.0)

    def _padded(self, raised: Bools) -> Bools:
        found = np.zeros(self.replay.healthy.demand.shape, dtype=bool)
        found[:, self.replay.first :] = raised
        return found


def threshold(detector: Detector, replay: Replay, rate: float) -> float:
    """The least one that raises at most `rate` alarms per item-year where nothing was changed."""
    low, high = 0.0, _HIGHEST
    for _ in range(_ROUNDS):
        middle = (low + high) / 2
        low, high = (middle, high) if false_alarms(detector, replay, middle) > rate else (low, middle)
    return high


def false_alarms(detector: Detector, replay: Replay, limit: float) -> float:
    """Per item-year, in the periods that are watched, of demand as it came."""
    raised = detector(replay.healthy, limit)[:, replay.watched :]
    return float(raised.sum() / (raised.size / YEAR[replay.what.frequency]))
