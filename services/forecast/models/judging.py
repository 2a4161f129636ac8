"""A trained version before the gates: its folds beside the champion's, and a warm-up from its files."""

import datetime
import functools
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from services.forecast.engine import gates
from services.forecast.engine.backtest import BacktestReport
from services.forecast.engine.cells import Floats
from services.forecast.engine.folds import Fold, rival_losses, stored_losses
from services.forecast.engine.gates import Gate, Losses
from services.forecast.engine.model import Model
from services.forecast.engine.panel import Panel
from services.forecast.models import approvals, promotions, rules
from services.forecast.models.artifacts import Files, ModelCache
from services.forecast.models.schemas import PromotionRulesIn
from services.forecast.models.tables import ModelVersion
from shared.db import Database
from shared.errors import Problem

MIB = 2**20
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Judgement:
    """The gates, and the champion's version that they were judged against."""

    gates: Sequence[Gate]
    against: int | None


@dataclass(frozen=True)
class Trial:
    """What is judged: of the data `digest` and `panel`, a model with its files, its backtest and its folds."""

    digest: str
    panel: Panel
    model: Model
    files: Files
    report: BacktestReport
    folds: Sequence[Fold]


def judge(database: Database, area: str, today: datetime.date, trial: Trial, cache: ModelCache) -> Judgement:
    """Judge by the area's rules; against the champion where there is one."""
    with database.read() as session:
        newest, asked = promotions.newest(session, area), rules.rules(session, area)
        champion = session.get_one(ModelVersion, (area, newest.version)) if newest else None
    found = [*_alone(trial, champion, today, asked), *warm_up(trial, asked.forecast_seconds)]
    if champion is not None:
        rival, against = _rival(trial, champion, cache), f"version {champion.version}"
        found = [
            gates.better(trial.folds, rival, against, asked.least_improvement),
            gates.segments(trial.folds, rival, against, asked.segment_worse_by, asked.segment_share),
            gates.signature(trial.model.feature_names, [each["name"] for each in champion.features]),
            *found,
        ]
    return Judgement(found, champion.version if champion else None)


def warm_up(trial: Trial, most_seconds: float) -> list[Gate]:
    """Load the model from its files and forecast all item-locations once."""
    began = time.monotonic()
    try:
        mean = Model.from_files(trial.files).forecast(trial.panel).mean
    except Exception as error:
        log.exception("a version crashes in its warm-up")
        return [Gate(approvals.WARM_UP, passed=False, detail=f"It ends with {type(error).__name__}; see the log.")]
    seconds, finite = time.monotonic() - began, bool(np.isfinite(mean).all())
    detail = "It loads from its files and forecasts." if finite else "It forecasts what is no number."
    return [Gate(approvals.WARM_UP, finite, detail), gates.at_most("latency", seconds, most_seconds, "seconds")]


def _alone(trial: Trial, champion: ModelVersion | None, today: datetime.date, asked: PromotionRulesIn) -> list[Gate]:
    size = sum(map(len, trial.files.values())) / MIB
    before = np.datetime64(champion.last_period) if champion else None
    last = trial.panel.periods[-1]
    return [
        gates.bias(trial.folds, asked.most_bias, _before(champion, "bias")),
        gates.coverage(trial.folds, asked.coverage_within, _before(champion, "coverage_80")),
        gates.freshness(last, before, np.datetime64(today), asked.oldest_data_days),
        gates.at_most("size", size, asked.largest_mib, "MiB"),
    ]


def _before(champion: ModelVersion | None, score: str) -> float:
    """The champion's score in its own backtest; infinite, so that all is better, where there is none."""
    found = None if champion is None else champion.metrics["overall"]["model"].get(score)
    return np.inf if found is None else float(found)


def _rival(trial: Trial, champion: ModelVersion, cache: ModelCache) -> Losses:
    """The champion's losses on the candidate's folds.

    Where both learned from the same data, of its own backtest, trained anew at each origin as the candidate was; else
    of the champion as it is, on the periods that came after what it has learned from.
    """
    folds: Sequence[Mapping[str, object]] = champion.metrics.get("folds", [])
    same = [fold["periods"] for fold in folds] == [fold.to_dict()["periods"] for fold in trial.folds]
    if champion.dataset_digest == trial.digest and same:
        return stored_losses(folds)
    unseen_from = np.datetime64(champion.last_period) + 1
    try:
        return rival_losses(trial.report, _quantiles(trial.panel, champion, cache), unseen_from)
    except (Problem, ValueError) as error:
        log.warning("version %s cannot be compared with the champion: %s", champion.version, error)
        return [{name: np.full(len(fold.periods), np.nan) for name in fold.loss} for fold in trial.folds]


def _quantiles(panel: Panel, champion: ModelVersion, cache: ModelCache) -> Callable[[int], Floats]:
    """The champion's quantiles [n, H, K] from a history of so many periods; its files are read when first asked."""

    @functools.cache
    def model() -> Model:
        found = Model.from_files(cache.files(champion))
        if found.recipe.horizon < panel.horizon:
            raise ValueError("it forecasts fewer periods")
        return found

    return lambda length: model().forecast(panel.until(length)).quantiles
