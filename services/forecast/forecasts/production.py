"""The forecast job: read, load the model, forecast, store."""

from dataclasses import replace

from sqlalchemy.orm import Session

from services.forecast import inputs, panels, provenance
from services.forecast.datasets.blocks import Datasets
from services.forecast.engine import model as engine
from services.forecast.engine.cells import QUANTILES
from services.forecast.engine.panel import Panel
from services.forecast.forecasts.grid import Grid
from services.forecast.forecasts.tables import Forecast
from services.forecast.models.artifacts import Files, ModelCache
from services.forecast.models.registry import Registry
from services.forecast.models.tables import ModelVersion
from services.forecast.panels import Profile
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
    found = _found(files, panel, settings.dask_scheduler)
    work.progress(3, STEPS, "steps")
    with work.finish() as (session, run):
        _store(session, run, _grid(panel, found))
        run.origin = taken.origin
        run.code_version = provenance.code_version()
        late = panels.hindsight(taken.origin, version.last_period)
        run.warnings = [*late, *warnings, *panels.flagged(found.flags)]


def _version(work: Work[Forecast]) -> ModelVersion:
    with work.database.read() as session:
        return session.get_one(ModelVersion, (work.run.area, work.run.model_version))


def _found(files: Files, panel: Panel, scheduler: str | None) -> engine.Forecast:
    """The forecast, from a cluster where there is one: the numbers are the same."""
    if scheduler is None:
        return engine.Model.from_files(files).forecast(panel)
    from services.forecast.forecasts import scale_out  # noqa: PLC0415  Dask is an extra

    return scale_out.forecast(files, panel, scheduler)


def _grid(panel: Panel, found: engine.Forecast) -> Grid:
    items, locations = (panel.series[name].tolist() for name in ("item", "location"))
    return Grid(items, locations, found.periods, found.mean, found.quantiles, found.dependence)


def _store(session: Session, run: Forecast, grid: Grid) -> None:
    run.periods = grid.periods.tolist()
    run.quantiles = list(QUANTILES)
    run.series_count = len(grid.items)
    run.output_digest = grid.digest()
    grid.store(session, run.id)
