"""What statistics say of a level's nodes from their own history: the mean of exponential smoothing and Theta."""

from collections.abc import Sequence

import numpy as np

from services.forecast.engine.cells import Cells, Floats
from services.forecast.engine.history import History
from services.forecast.engine.levels import Level
from services.forecast.engine.members import MEMBERS, member_forecasts

_READ = [MEMBERS.index("smoothing"), MEMBERS.index("theta")]
_CYCLES, _PERIODS = 4, 104  # of history before the first origin, at least


def node_statistics(history: History, season: int, level: Level, origins: Sequence[int], horizon: int) -> list[Floats]:
    """Demand [N, horizon] after each of `origins` in units; NaN before a node's first record."""
    began = max(0, min(origins) + 1 - max(_CYCLES * season, _PERIODS))
    began -= began % season
    nodes = History(_node_demand(history, level, began, max(origins) + 1), history.memory)
    cells = Cells.joined(*(Cells.grid(len(level), origin - began, horizon) for origin in origins))
    told = member_forecasts(nodes, season, cells)[:, _READ].mean(axis=1, dtype=np.float64)
    return list(told.reshape(len(origins), len(level), horizon))


def _node_demand(history: History, level: Level, began: int, ended: int) -> Floats:
    """Sums [N, T]; an item-location's unknown demand counts as its smoothed mean, so that stock-outs leave no dent."""
    window = slice(began, ended)
    usual = history.smoothed[history.memory.decays[len(history.memory.decays) // 2]]
    demand = history.demand[window]
    filled = np.where(np.isnan(demand), usual[window], demand)
    sums = level.sums(filled.T)
    recorded = level.sums(~np.isnan(filled.T)) > 0
    found: Floats = np.where(recorded, sums, np.nan).astype(np.float32)
    return found
