"""The forecast job: read, load the model, forecast, store."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from sqlalchemy.orm import Session, undefer

from services.forecast import inputs, panels, provenance
from services.forecast.datasets.blocks import Datasets
from services.forecast.engine.aggregation import Margins
from services.forecast.engine.cells import QUANTILES
from services.forecast.engine.levels import all_levels
from services.forecast.engine.model import Forecast as Found
from services.forecast.engine.model import Model
from services.forecast.engine.panel import Panel
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
from services.forecast.settings import Settings
from shared.jobs import Work

STEPS = 4


def forecast(work: Work[Forecast], settings: Settings) -> None:
    """Forecast every item-location that had demand until the origin, with a model that is not trained anew."""
    work.progress(0, STEPS, "steps")
    taken = inputs.take(work, Datasets(settings.datasets), work.run.origin)
    work.progress(1, STEPS, "steps")
    version = _version(work)
    files = ModelCache(settings.model_cache, lambda *place: Registry(settings).fetch(*place)).files(version)
    work.progress(2, STEPS, "steps")
    panel, warnings = panels.panel(taken, replace(Profile.of(version), horizon=work.run.horizon))
    warnings = [*panels.hindsight(taken.origin, version.last_period), *warnings]
    model = Model.from_files(files)
    predict = model.forecast if settings.dask_scheduler is None else _on_cluster(files, settings.dask_scheduler)
    made = _made(work, model, predict, panel, warnings)
    nodes = _nodes(model, panel, made.grid)
    work.progress(3, STEPS, "steps")
    with work.finish() as (session, run):
        _store(session, run, made.grid, nodes)
        run.origin = taken.origin
        run.profile = made.profile.tolist()
        run.code_version = provenance.code_version()
        run.warnings = made.warnings


def _version(work: Work[Forecast]) -> ModelVersion:
    with work.database.read() as session:
        return session.get_one(ModelVersion, (work.run.area, work.run.model_version))


def _made(
    work: Work[Forecast], model: Model, predict: Callable[[Panel], Found], panel: Panel, warnings: Warnings
) -> Made:
    """The forecast, anew or upon its base; of the base all warnings hold still."""
    overlays = [OverlayIn.model_validate(overlay) for overlay in work.run.overlays]
    if work.run.base is None:
        return making.anew(model, predict, panel, overlays, warnings)
    with work.database.read() as session:
        base = session.get_one(Forecast, work.run.base, options=[undefer(Forecast.profile)])
        grid = Grid.read(session, base)
    return making.upon(grid, np.array(base.profile), model, panel, overlays, base.warnings)


def _nodes(model: Model, panel: Panel, grid: Grid) -> list[Nodes]:
    margins = Margins(grid.mean, grid.quantiles, grid.dependence)
    found = model.aggregates(panel.series, margins, all_levels(panel.series))
    return [Nodes(one.level.name, one.level.names, one.mean, one.quantiles) for one in found]


def _on_cluster(files: Files, scheduler: str) -> Callable[[Panel], Found]:
    """The model's forecast from a cluster: the numbers are the same."""
    from services.forecast.forecasts import scale_out  # noqa: PLC0415  Dask is an extra

    return lambda panel: scale_out.forecast(files, panel, scheduler)


def _store(session: Session, run: Forecast, grid: Grid, nodes: Sequence[Nodes]) -> None:
    run.periods = grid.periods.tolist()
    run.quantiles = list(QUANTILES)
    run.series_count = len(grid.items)
    run.output_digest = grid.digest()
    run.levels = [one.level for one in nodes]
    grid.store(session, run.id)
    for one in nodes:
        one.store(session, run.id)
