"""What each statistical member alone would have scored, and what the model adds to it.

Source: Gilliland (2013), Forecast value added: a reality check on forecasting practices.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.forecast.engine.cells import Cells, Floats, Ints
from services.forecast.engine.cross_section import blocks
from services.forecast.engine.history import History, Memory
from services.forecast.engine.members import MEMBERS, member_forecasts
from services.forecast.engine.metrics import bias, rmsse, row_mean, wmape
from services.forecast.engine.panel import Panel


@dataclass(frozen=True)
class Point:
    """One origin: history [n, t], demand that came [n, H], the model's mean [n, H], and the members' [M, n, H]."""

    history: Floats
    demand: Floats
    mean: Floats
    members: Floats

    def take(self, rows: Ints | slice) -> "Point":
        return Point(self.history[rows], self.demand[rows], self.mean[rows], self.members[:, rows])

    def errors(self, mean: Floats) -> tuple[float, float, float]:
        return wmape(self.demand, mean), rmsse(self.history, self.demand, mean), bias(self.demand, mean)


def told_by_members(known: Panel) -> Floats:
    """Mean demand [M, n, H] of the panel's future by each of MEMBERS, in units; 0 without any record."""
    parts = [_told(known.take(rows)) for rows in blocks(*known.demand.shape)]
    found: Floats = np.nan_to_num(np.concatenate(parts, axis=1))
    return found


def _told(known: Panel) -> Floats:
    history = History(known.demand, Memory.of(known.frequency, known.season))
    cells = Cells.grid(history.n, history.length - 1, known.horizon)
    found: Floats = member_forecasts(history, known.season, cells).T.reshape(len(MEMBERS), history.n, known.horizon)
    return found


def value_added(points: Sequence[Point]) -> dict[str, dict[str, float | None]]:
    """Errors of each member's mean, averaged over origins, and `value_added`: the share of its RMSSE the model saves.

    None where a figure is not defined.
    """
    mine = _average([point.errors(point.mean) for point in points])
    return {
        name: _figures(_average([point.errors(point.members[number]) for point in points]), float(mine[1]))
        for number, name in enumerate(MEMBERS)
    }


def _average(errors: list[tuple[float, float, float]]) -> Floats:
    return row_mean(np.array(errors).T)


def _figures(errors: Floats, mine: float) -> dict[str, float | None]:
    wmape_, rmsse_, bias_ = errors.tolist()
    saved = 1 - mine / rmsse_ if rmsse_ > 0 else np.nan
    found = {"wmape": wmape_, "rmsse": rmsse_, "bias": bias_, "value_added": saved}
    return {name: value if np.isfinite(value) else None for name, value in found.items()}
