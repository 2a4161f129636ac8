"""How good sums of forecasts were, by level of aggregation: reconciled, merely summed, and statistics on the nodes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from services.forecast.engine.cells import Floats
from services.forecast.engine.history import History, Memory
from services.forecast.engine.levels import Level, levels
from services.forecast.engine.metrics import bias, rmsse, row_mean, wmape
from services.forecast.engine.node_statistics import Recent, node_statistics
from services.forecast.engine.panel import Panel

type Way = Literal["reconciled", "summed", "statistics"]

WAYS: tuple[Way, ...] = ("reconciled", "summed", "statistics")


@dataclass(frozen=True)
class LevelOutcome:
    """One origin of a level: history [N, t], demand [N, H] that came, and means [N, H] told of the same cells."""

    level: Level
    history: Floats
    demand: Floats
    means: dict[Way, Floats]

    def errors(self, way: Way) -> tuple[float, float, float]:
        mean = self.means[way]
        return rmsse(self.history, self.demand, mean), wmape(self.demand, mean), bias(self.demand, mean)


def level_outcomes(known: Panel, demand: Floats, mean: Floats, factor: Floats) -> list[LevelOutcome]:
    """Of each level, from demand and reconciled mean [n, H] and the `factor` [n, H] by which reconciling had moved it.

    Unknown demand counts on neither side: of a node's statistics the same share is left out as of its sum.
    """
    history = History(known.demand, Memory.of(known.frequency, known.season))
    recent = Recent.of(history, known.season, [history.length - 1])
    return [_outcome(level, recent, known, demand, mean, factor) for level in levels(known.series)]


def _outcome(level: Level, recent: Recent, known: Panel, demand: Floats, mean: Floats, factor: Floats) -> LevelOutcome:
    told = node_statistics(recent, known.season, level, [len(known.periods) - 1], known.horizon)[0]
    part = known_part(level, demand, mean)
    means: dict[Way, Floats] = {
        "reconciled": level.sums(mean) * part,
        "summed": level.sums(np.where(np.isnan(demand), np.nan, mean) / factor),
        "statistics": np.nan_to_num(told) * part,
    }
    return LevelOutcome(level, level.sums(known.demand), level.sums(demand), means)


def known_part(level: Level, demand: Floats, mean: Floats) -> Floats:
    """Share [N, H] of each node's mean that belongs to known demand."""
    whole, part = level.sums(mean), level.sums(np.where(np.isnan(demand), np.nan, mean))
    found: Floats = np.divide(part, whole, out=np.ones_like(whole), where=whole > 0)
    return found


def level_report(origins: Sequence[Sequence[LevelOutcome]]) -> dict[str, dict[str, object]]:
    """By level: how many nodes, each way's errors averaged over origins, and `gain`, the RMSSE that reconciling saves.

    None where a figure is not defined.
    """
    return {at[0].level.name: _figures(at) for at in zip(*origins, strict=True)}


def _figures(origins: Sequence[LevelOutcome]) -> dict[str, object]:
    errors = {way: row_mean(np.array([one.errors(way) for one in origins]).T).tolist() for way in WAYS}
    named: dict[str, object] = {
        way: dict(zip(("rmsse", "wmape", "bias"), map(_defined, errors[way]), strict=True)) for way in WAYS
    }
    summed = errors["summed"][0]
    gain = _defined(1 - errors["reconciled"][0] / summed) if summed > 0 else None
    return {"nodes": len(origins[0].level), **named, "gain": gain}


def _defined(value: float) -> float | None:
    return value if np.isfinite(value) else None
