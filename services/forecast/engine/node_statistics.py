"""What statistics say of a level's nodes from their own history: the mean of exponential smoothing and Theta."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.forecast.engine.cells import Cells, Floats
from services.forecast.engine.cross_section import blocks
from services.forecast.engine.history import History, Memory
from services.forecast.engine.levels import Level
from services.forecast.engine.members import MEMBERS, member_forecasts

_READ = [MEMBERS.index("smoothing"), MEMBERS.index("theta")]
_CYCLES, _PERIODS = 4, 104  # of history before the first origin, at least


@dataclass(frozen=True)
class Recent:
    """Demand [p, n] from the period `began` on, as sums over nodes need it.

    An item-location's unknown demand counts as its smoothed mean, so that stock-outs leave no dent; NaN before
    its first record.
    """

    began: int
    demand: Floats
    memory: Memory

    @classmethod
    def of(cls, history: History, season: int, origins: Sequence[int]) -> "Recent":
        """As far back as forecasts of nodes from these `origins` look, block by block."""
        began = max(0, min(origins) + 1 - max(_CYCLES * season, _PERIODS))
        began -= began % season
        window = slice(began, max(origins) + 1)
        parts = [
            _filled(History(history.recorded[rows], history.memory), window)
            for rows in blocks(history.n, history.length)
        ]
        return cls(began, np.concatenate(parts, axis=1), history.memory)

    def of_nodes(self, level: Level) -> Floats:
        """Sums [N, p], NaN before a node's first record."""
        sums, recorded = level.sums(self.demand.T), level.sums(~np.isnan(self.demand.T)) > 0
        found: Floats = np.where(recorded, sums, np.nan).astype(np.float32)
        return found


def node_statistics(recent: Recent, season: int, level: Level, origins: Sequence[int], horizon: int) -> list[Floats]:
    """Demand [N, horizon] after each of `origins` in units; NaN before a node's first record."""
    nodes = History(recent.of_nodes(level), recent.memory)
    cells = Cells.joined(*(Cells.grid(len(level), origin - recent.began, horizon) for origin in origins))
    told = member_forecasts(nodes, season, cells)[:, _READ].mean(axis=1, dtype=np.float64)
    return list(told.reshape(len(origins), len(level), horizon))


def _filled(history: History, window: slice) -> Floats:
    usual = history.smoothed[history.memory.decays[len(history.memory.decays) // 2]]
    demand = history.demand[window]
    return np.where(np.isnan(demand), usual[window], demand)
