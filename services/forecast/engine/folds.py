"""What each origin of a backtest tells by period: losses of a model and of a rival on the same cells."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from services.forecast.engine.backtest import BacktestReport, Outcome
from services.forecast.engine.cells import Bools, Dates, Floats
from services.forecast.engine.metrics import decile_loss, row_mean
from services.forecast.engine.segments import SEGMENTS

ALL = "all"


@dataclass(frozen=True)
class Fold:
    """One origin's `periods` [H], and by demand class, `all` among them, mean scaled losses [H], NaN where unknown.

    bias [H]: forecast minus demand over the fold's mean demand per period; coverage [H]: share of demand inside the
    80 % interval. volume: each class's share of demand.
    """

    periods: Dates
    loss: Mapping[str, Floats]
    bias: Floats
    coverage: Floats
    volume: Mapping[str, float]

    @classmethod
    def of(cls, outcome: Outcome) -> "Fold":
        mean, quantiles = outcome.model
        demand = outcome.demand
        units, known = np.nansum(demand, axis=0), ~np.isnan(demand)
        inside = (demand >= quantiles[..., 1]) & (demand <= quantiles[..., -2])
        weight = {name: float(np.nansum(demand[rows])) for name, rows in _classes(outcome)}
        total = weight[ALL] if weight[ALL] > 0 else 1.0
        return cls(
            periods=outcome.periods,
            loss=losses(outcome, quantiles),
            bias=np.nansum(mean - demand, axis=0) / (units.mean() if units.any() else np.nan),
            coverage=row_mean(np.where(known, inside, np.nan).T),
            volume={name: units / total for name, units in weight.items()},
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe; what is unknown is None."""
        return {
            "periods": [str(period) for period in self.periods],
            "loss": {name: _told(values) for name, values in self.loss.items()},
            "bias": _told(self.bias),
            "coverage": _told(self.coverage),
            "volume": dict(self.volume),
        }


def losses(outcome: Outcome, quantiles: Floats) -> dict[str, Floats]:
    """By demand class: mean over series of the decile loss of `quantiles` [n, H, K], scaled by the series' mean demand.

    Series without demand before the origin do not count, as nothing gives them a scale.
    """
    scaled = by_level(decile_loss(outcome.demand, quantiles), outcome.history)
    return {name: row_mean(scaled[rows].T) for name, rows in _classes(outcome)}


def by_level(loss: Floats, history: Floats) -> Floats:
    """Losses [n, H] over the mean demand of `history` [n, T]; NaN where that is not above 0."""
    level = row_mean(history)[:, None]
    found: Floats = np.where(level > 0, loss / np.where(level > 0, level, 1), np.nan)
    return found


def rival_losses(
    report: BacktestReport, told: Callable[[int], Floats], unseen_from: np.datetime64
) -> list[dict[str, Floats]]:
    """By fold, the losses of a model that learned from all before `unseen_from`; NaN for periods that it has seen.

    told: its quantiles [n, H, K] from a history of so many periods; not asked for folds that it has seen all of.
    """
    found = []
    for outcome in report.outcomes:
        seen = outcome.periods < unseen_from
        if seen.all():
            found.append({name: np.full(len(seen), np.nan) for name, _ in _classes(outcome)})
            continue
        every = losses(outcome, told(outcome.history.shape[1]))
        found.append({name: np.where(seen, np.nan, values) for name, values in every.items()})
    return found


def stored_losses(folds: Sequence[Mapping[str, Any]]) -> list[dict[str, Floats]]:
    """The losses of folds as `to_dict` told them."""
    return [{name: np.array(values, dtype=float) for name, values in fold["loss"].items()} for fold in folds]


def _classes(outcome: Outcome) -> list[tuple[str, Bools]]:
    every = [(ALL, np.ones(len(outcome.demand), dtype=bool))]
    return every + [(name, outcome.segment == number) for number, name in enumerate(SEGMENTS)]


def _told(values: Floats) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values]
