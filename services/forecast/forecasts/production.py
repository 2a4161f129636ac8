"""The forecast job: read, load the model, forecast, store."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from sqlalchemy.orm import Session, undefer

from services.forecast import inputs, panels, provenance
from services.forecast.datasets.blocks import Datasets
from services.forecast.engine.aggregation import Margins
from services.forecast.engine.cells import QUANTILES
from services.forecast.engine.explanation import Explanation, explain_all
from services.forecast.engine.levels import all_levels
from services.forecast.engine.model import Forecast as Found
from services.forecast.engine.model import Model
from services.forecast.engine.panel import Panel
from services.forecast.explanations.filing import Reasons
from services.forecast.forecasts import making
from services.forecast.forecasts.grid import Grid
from services.forecast.forecasts.making import Made
from services.forecast.forecasts.nodes import Nodes
from services.forecast.forecasts.tables import Forecast
from services.forecast.models.artifacts import Files, ModelCache
from services.forecast.models.registry import Registry
from services.forecast.models.tables import ModelVersion
from services.forecast.overlays.schemas import OverlayIn
from services.forecast.panels import Profile, Warnings
from services.forecast.reviews.filing import REVIEWS
from services.forecast.settings import Settings
from shared import jobs
from shared.jobs import Work

STEPS = 5


def forecast(work: Work[Forecast], settings: Settings) -> None:
    """Forecast every item-location that had demand until the origin, with a model that is not trained anew."""
    work.progress(0, STEPS, "steps")
    taken = inputs.take(work, Datasets(settings.datasets), work.run.origin)
    work.progress(1, STEPS, "steps")
    version = _version(work)
    files = ModelCache(settings.model_cache, lambda *place: Registry(settings).fetch(*place)).files(version)
    work.progress(2, STEPS, "steps")
    panel, warnings = panels.panel(taken, replace(Profile.of(version), horizon=work.run.horizon), settings.datasets)
    warnings = [*panels.hindsight(taken.origin, version.last_period), *warnings]
    hands = _hands(Model.from_files(files), files, settings.dask_scheduler)
    overlays = [OverlayIn.model_validate(overlay) for overlay in work.run.overlays]
    made = _made(work, hands, panel, overlays, warnings)
    work.progress(3, STEPS, "steps")
    reasons = Reasons.of(hands.explain, hands.model, panel, overlays, made) if work.run.explain else None
    nodes = _nodes(hands.model, panel, made.grid)
    work.progress(4, STEPS, "steps")
    with work.finish() as (session, run):
        _store(session, run, made.grid, nodes)
        if reasons is not None:
            run.causes = list(reasons.told.causes)
            reasons.store(session, run.id)
        run.origin = taken.origin
        run.profile = made.profile.tolist()
        run.code_version = provenance.code_version()
        run.warnings = made.warnings
        if run.base is None and not run.overlays:
            for task in ("forecast:review_forecast", "forecast:hold_rivals_against"):
                jobs.defer(session, task, queue=REVIEWS, forecast=str(run.id))


def _version(work: Work[Forecast]) -> ModelVersion:
    with work.database.read() as session:
        return session.get_one(ModelVersion, (work.run.area, work.run.model_version))


@dataclass(frozen=True)
class Hands:
    """What forecasts and explains a whole panel with the `model`: this process or a cluster, with the same numbers."""

    model: Model
    forecast: Callable[[Panel], Found]
    explain: Callable[[Panel], Explanation]


def _hands(model: Model, files: Files, scheduler: str | None) -> Hands:
    if scheduler is None:
        return Hands(model, model.forecast, partial(explain_all, model))
    from services.forecast.forecasts.scale_out import Cluster  # noqa: PLC0415  Dask is an extra

    cluster = Cluster(scheduler, model, files)
    return Hands(model, cluster.forecast, cluster.explain)


def _made(work: Work[Forecast], hands: Hands, panel: Panel, overlays: Sequence[OverlayIn], warnings: Warnings) -> Made:
    """The forecast, anew or, a what-if, upon its base; of the base all warnings hold still."""
    if work.run.base is None or work.run.stage == "shadow":
        return making.anew(hands.model, hands.forecast, panel, overlays, warnings)
    with work.database.read() as session:
        base = session.get_one(Forecast, work.run.base, options=[undefer(Forecast.profile)])
        grid = Grid.read(session, base)
    return making.upon(grid, np.array(base.profile), hands.model, panel, overlays, base.warnings)


def _nodes(model: Model, panel: Panel, grid: Grid) -> list[Nodes]:
    margins = Margins(grid.mean, grid.quantiles, grid.dependence)
    found = model.aggregates(panel.series, margins, all_levels(panel.series))
    return [Nodes(one.level.name, one.level.names, one.mean, one.quantiles) for one in found]


def _store(session: Session, run: Forecast, grid: Grid, nodes: Sequence[Nodes]) -> None:
    run.periods = grid.periods.tolist()
    run.quantiles = list(QUANTILES)
    run.series_count = len(grid.items)
    run.output_digest = grid.digest()
    run.levels = [one.level for one in nodes]
    grid.store(session, run.id)
    for one in nodes:
        one.store(session, run.id)
