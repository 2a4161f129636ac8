"""The training job: read, backtest, train, register."""

import datetime
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from services.forecast import inputs, panels, provenance
from services.forecast.datasets.blocks import Datasets
from services.forecast.engine.backtest import BacktestReport, backtest
from services.forecast.engine.cells import Cancelled, Cells, TooShort
from services.forecast.engine.features import FeatureBuilder
from services.forecast.engine.folds import Fold
from services.forecast.engine.model import Model
from services.forecast.engine.panel import Panel
from services.forecast.engine.training import train as train_model
from services.forecast.inputs import Inputs
from services.forecast.models import artifacts, judging, plots
from services.forecast.models.artifacts import ModelCache
from services.forecast.models.card import card
from services.forecast.models.registry import Candidate, Registered, Registry
from services.forecast.models.tables import ModelVersion, TrainingRun
from services.forecast.panels import Profile
from services.forecast.reviews import filing
from services.forecast.reviews.contest import recommended
from services.forecast.settings import Settings
from shared import jobs
from shared.errors import Conflict
from shared.jobs import Work

EXAMPLE_ROWS, EXPLAINED_ROWS = 5, 500
ASK_SECONDS = 1.0


class HistoryTooShort(Conflict):
    slug, title = "history-too-short", "Too little history"


def train(work: Work[TrainingRun], settings: Settings) -> None:
    """Train on all demand of the area, and file the model with an honest backtest of the same recipe."""
    steps = Steps(work, work.run.origins + 3)
    steps.reached(0)
    taken = inputs.take(work, Datasets(settings.datasets), origin=None)
    panel, warnings = panels.panel(taken, Profile.of(work.run), settings.datasets)
    report, model = _learn(work.run, panel, steps)
    steps.reached(steps.total - 1)
    folds = [Fold.of(outcome) for outcome in report.outcomes]
    candidate = _candidate(work.run, taken, panel, report, folds, model)
    registry = Registry(settings)
    cache = ModelCache(settings.model_cache, registry.fetch)
    trial = judging.Trial(taken.digest, panel, model, candidate.files, report, folds)
    judged = judging.judge(work.database, work.run.area, _today(), trial, cache)
    registered = registry.register(candidate)
    version = _version(work.run, taken, model, candidate, registered)
    version.gates, version.judged_against = [gate.to_dict() for gate in judged.gates], judged.against
    cache.files(version)  # what MLflow gives back is what was trained, and is at hand from now on
    with work.finish() as (session, run):
        session.add(version)
        filing.queue(session, run.area, recommended(run.area, registered.version, judged.gates, judged.against))
        run.model_version = registered.version
        run.code_version = candidate.tags["accord.code_version"]
        run.warnings = warnings


def _today() -> datetime.date:
    return datetime.datetime.now(datetime.UTC).date()


class Steps:
    """How far a training is, and whether it should stop: asked of the database once a second at most."""

    def __init__(self, work: Work[TrainingRun], total: int) -> None:
        self.work, self.total, self.done = work, total, 0
        self._asked = time.monotonic()

    def reached(self, done: int) -> None:
        """Show the progress; ends the attempt where it was cancelled or the worker is stopping."""
        self.done = done
        self.work.progress(done, self.total, "steps")

    def stopped(self) -> bool:
        if time.monotonic() - self._asked < ASK_SECONDS:
            return False
        self._asked = time.monotonic()
        return self.work.stopped()


def _learn(order: TrainingRun, panel: Panel, steps: Steps) -> tuple[BacktestReport, Model]:
    steps.reached(1)
    try:
        report = backtest(
            panel,
            origins=order.origins,
            seed=order.seed,
            progress=lambda done, _total, _what: steps.reached(1 + done),
            cancelled=steps.stopped,
        )
        return report, train_model(panel, seed=order.seed, cancelled=steps.stopped)
    except TooShort as error:
        raise HistoryTooShort(f"{error}: load more history, or shorten the area's horizon.") from None
    except Cancelled:
        steps.reached(steps.done)
        raise jobs.Cancelled from None


def _candidate(
    order: TrainingRun, taken: Inputs, panel: Panel, report: BacktestReport, folds: Sequence[Fold], model: Model
) -> Candidate:
    files, features = model.to_files(), _features(panel, model)
    told = report.to_dict() | {"folds": [fold.to_dict() for fold in folds]}
    tags = {
        "accord.area": order.area,
        "accord.training_run": str(order.id),
        "accord.dataset_digest": taken.digest,
        "accord.artifact_digest": artifacts.digest(files),
        "accord.code_version": provenance.code_version(),
    }
    return Candidate(
        area=order.area,
        run_name=str(order.id),
        reason=order.reason,
        parameters={
            "seed": order.seed,
            "frequency": order.frequency,
            "season_length": order.season_length,
            "horizon": order.horizon,
            "origins": len(report.outcomes),
            "series": len(panel.series),
            "periods": len(panel.periods),
            "last_period": str(panel.periods[-1]),
            "head": model.head_name,
        },
        report=told,
        scores=[_figures(_both(report, number)) for number in range(len(report.outcomes))],
        figures={f"mean_{name}": value for name, value in _figures(told["overall"]).items()},
        tags=tags,
        card=card(_facts(order, panel, tags), told, model.feature_names),
        files=files,
        stage1=model.mean.booster.to_bytes(),
        example=features.head(EXAMPLE_ROWS),
        plots=plots.plots(report.outcomes, model.feature_names, model.mean.effects(features.to_numpy())[:, :-1]),
    )


def _facts(order: TrainingRun, panel: Panel, tags: dict[str, str]) -> dict[str, Any]:
    """What a model card says of the version itself."""
    names = ("area", "frequency", "season_length", "horizon", "seed", "origins")
    return {name: getattr(order, name) for name in names} | {
        "first_period": str(panel.periods[0]),
        "last_period": str(panel.periods[-1]),
        "periods": len(panel.periods),
        "series": len(panel.series),
        "training_run": str(order.id),
        "dataset_digest": tags["accord.dataset_digest"],
        "code_version": tags["accord.code_version"],
    }


def _both(report: BacktestReport, origin: int) -> dict[str, dict[str, float | None]]:
    outcome = report.outcomes[origin]
    names = {"model": "model", "seasonal_naive": "naive"}
    return {label: outcome.scores(which, report.season).to_dict() for label, which in names.items()}


def _figures(scores: dict[str, dict[str, float | None]]) -> dict[str, float]:
    """One flat name per score, those that are not defined left out: MLflow keeps numbers only."""
    return {
        f"{label}_{name}": value
        for label, found in scores.items()
        for name, value in found.items()
        if value is not None
    }


def _features(panel: Panel, model: Model) -> pd.DataFrame:
    """Features of the first item-locations' next period, as stage 1 reads them."""
    builder = FeatureBuilder(model.recipe.fit_to(panel), model.recipe.codes)
    cells = Cells.grid(min(EXPLAINED_ROWS, len(panel.series)), len(panel.periods) - 1, 1)
    matrix = builder.build(cells).matrix.astype(np.float64)
    return pd.DataFrame(matrix, columns=list(model.feature_names))


def _version(
    run: TrainingRun, taken: Inputs, model: Model, candidate: Candidate, registered: Registered
) -> ModelVersion:
    return ModelVersion(
        area=run.area,
        version=registered.version,
        training_run=run.id,
        mlflow_run=registered.run,
        frequency=run.frequency,
        season_length=run.season_length,
        horizon=run.horizon,
        seed=run.seed,
        last_period=taken.origin,
        features=[{"name": name, "family": family} for name, family in model.families.items()],
        metrics=candidate.report,
        dataset_digest=taken.digest,
        artifact_digest=candidate.tags["accord.artifact_digest"],
        code_version=candidate.tags["accord.code_version"],
        card=candidate.card,
    )
