"""One model's rolling forecasts at one lag, of demand as it came and as it would have come after a change."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from bench.drifting.sets import Set
from services.forecast.engine.cells import Floats, Ints
from services.forecast.engine.limits import YEAR
from services.forecast.engine.model import Model
from services.forecast.engine.panel import DriverPanel, Panel
from services.forecast.engine.training import train

STAGGER = 3  # changes begin in as many periods, series by series
BLOCKS = {"M": 12, "W": 13}  # of a year, that have a seasonal index each


@dataclass(frozen=True)
class Told:
    """Of each period [T] what was forecast `lag` periods before: mean [n, T], quantiles [n, T, K]; NaN where nothing.

    demand [n, T]: what came; drivers: as they were known in the end.
    """

    demand: Floats
    mean: Floats
    quantiles: Floats
    drivers: tuple[DriverPanel, ...]


@dataclass(frozen=True)
class Replay:
    """A set, the model that was trained after `trained` periods, and its forecasts of demand as it came."""

    what: Set
    panel: Panel
    model: Model
    trained: int
    watched: int
    healthy: Told

    @classmethod
    def of(cls, what: Set, panel: Panel) -> "Replay":
        length = len(panel.periods)
        trained, watched = round(length * what.trained), round(length * what.watched)
        model = train(panel.until(trained), threads=1)
        return cls(what, panel, model, trained, watched, _roll(model, panel, what.lag, trained))

    @property
    def first(self) -> int:
        """The first period that has a forecast."""
        return self.trained + self.what.lag - 1

    @property
    def begins(self) -> Ints:
        """The period [n] in which each series changes."""
        found: Ints = self.watched + np.arange(len(self.panel.series)) % STAGGER
        return found

    def after(self, change: str) -> Told:
        """The forecasts of demand (or of drivers) that change; before that they are the healthy ones."""
        changed = CHANGES[change](self)
        told = _roll(self.model, changed, self.what.lag, self.watched)
        before = np.arange(len(self.panel.periods)) < self.watched + self.what.lag
        mean = np.where(before, self.healthy.mean, told.mean)
        quantiles = np.where(before[:, None], self.healthy.quantiles, told.quantiles)
        return replace(told, mean=mean, quantiles=quantiles)


def _roll(model: Model, panel: Panel, lag: int, first: int) -> Told:
    """Forecasts from every origin from `first` periods of history on."""
    n, length = panel.demand.shape
    mean = np.full((n, length), np.nan)
    quantiles = np.full((n, length, 11), np.nan)
    for known in range(first, length - lag + 1):
        found = model.forecast(panel.until(known))
        mean[:, known + lag - 1] = found.mean[:, lag - 1]
        quantiles[:, known + lag - 1] = found.quantiles[:, lag - 1]
    return Told(panel.demand, mean, quantiles, panel.drivers)


def _with_demand(replay: Replay, changed: Floats) -> Panel:
    later = np.arange(len(replay.panel.periods)) >= replay.begins[:, None]
    return replace(replay.panel, demand=np.where(later, np.maximum(changed, 0), replay.panel.demand))


def _level(share: float) -> Callable[[Replay], Panel]:
    return lambda replay: _with_demand(replay, replay.panel.demand * share)


def _variance(replay: Replay) -> Panel:
    """What was forecast of the period, and the square root of two times what came beyond it."""
    expected = replay.healthy.mean
    return _with_demand(replay, expected + np.sqrt(2) * (replay.panel.demand - expected))


def _season(replay: Replay) -> Panel:
    """Demand divided by its seasonal index, that of the periods before the changes."""
    frequency = replay.what.frequency
    length = replay.panel.demand.shape[1]
    place = np.arange(length) % YEAR[frequency] * BLOCKS[frequency] // YEAR[frequency]
    past = replay.panel.demand[:, : replay.watched]
    index = np.column_stack(
        [np.nanmean(past[:, place[: replay.watched] == block], axis=1) for block in range(BLOCKS[frequency])]
    )
    index = np.clip(index / np.nanmean(past, axis=1, keepdims=True), 0.2, 5)
    return _with_demand(replay, replay.panel.demand / np.nan_to_num(index, nan=1.0)[:, place])


def _driver(replay: Replay) -> Panel:
    """The driver keeps the last value that came before the changes, for all series at once."""
    last = replay.watched - 1

    def dead(driver: DriverPanel) -> DriverPanel:
        if driver.name != replay.what.dying:
            return driver
        later = np.arange(driver.matrix.shape[1]) > last
        return replace(driver, matrix=np.where(later, driver.matrix[:, last : last + 1], driver.matrix))

    return replace(replay.panel, drivers=tuple(dead(driver) for driver in replay.panel.drivers))


CHANGES: dict[str, Callable[[Replay], Panel]] = {
    "level_-20": _level(0.8),
    "level_-40": _level(0.6),
    "variance_x2": _variance,
    "lost_season": _season,
    "dead_driver": _driver,
}
