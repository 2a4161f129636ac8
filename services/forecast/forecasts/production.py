"""The forecast job: read, load the model, forecast, store."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from services.forecast import inputs, panels, provenance
from services.forecast.datasets.blocks import Datasets
from services.forecast.engine import model as engine
from services.forecast.engine.cells import QUANTILES
from services.forecast.engine.panel import Panel
from services.forecast.forecasts.tables import Forecast
from services.forecast.models.artifacts import ModelCache
from services.forecast.models.registry import Registry
from services.forecast.models.tables import ModelVersion
from services.forecast.panels import Profile
from services.forecast.settings import Settings
from shared.db import psycopg_connection
from shared.jobs import Work

STEPS = 4
COPY = """
    COPY forecast_series (forecast_id, item, location, mean, quantiles, dependence) FROM STDIN (FORMAT binary)
"""
COPY_TYPES = ("uuid", "text", "text", "float8[]", "float8[]", "float8")


def forecast(work: Work[Forecast], settings: Settings) -> None:
    """Forecast every item-location that had demand until the origin, with a model that is not trained anew."""
    work.progress(0, STEPS, "steps")
    taken = inputs.take(work, Datasets(settings.datasets), work.run.origin)
    work.progress(1, STEPS, "steps")
    version = _version(work)
    model = _model(settings, version)
    work.progress(2, STEPS, "steps")
    panel, warnings = panels.panel(taken, replace(Profile.of(version), horizon=work.run.horizon))
    found = model.forecast(panel)
    work.progress(3, STEPS, "steps")
    with work.finish() as (session, run):
        _store(session, run, panel, found)
        run.origin = taken.origin
        run.output_digest = _digest(panel, found)
        run.code_version = provenance.code_version()
        late = panels.hindsight(taken.origin, version.last_period)
        run.warnings = [*late, *warnings, *panels.flagged(found.flags)]


def _version(work: Work[Forecast]) -> ModelVersion:
    with work.database.read() as session:
        return session.get_one(ModelVersion, (work.run.area, work.run.model_version))


def _model(settings: Settings, version: ModelVersion) -> engine.Model:
    cache = ModelCache(settings.model_cache, lambda *place: Registry(settings).fetch(*place))
    return engine.Model.from_files(cache.files(version))


def _store(session: Session, run: Forecast, panel: Panel, found: engine.Forecast) -> None:
    run.periods = found.periods.tolist()
    run.quantiles = list(QUANTILES)
    run.series_count = len(panel.series)
    with psycopg_connection(session).cursor() as cursor, cursor.copy(COPY) as copy:
        copy.set_types(COPY_TYPES)
        for row in _rows(panel, found):
            copy.write_row((run.id, *row))


def _rows(panel: Panel, found: engine.Forecast) -> Iterator[tuple[Any, ...]]:
    """item, location, mean [H], quantiles [H * K], dependence of each item-location."""
    mean, quantiles = found.mean.astype(np.float64), found.quantiles.astype(np.float64)
    codes = zip(panel.series["item"], panel.series["location"], strict=True)
    for number, (item, location) in enumerate(codes):
        levels = quantiles[number].ravel().tolist()
        yield item, location, mean[number].tolist(), levels, float(found.dependence[number])


def _digest(panel: Panel, found: engine.Forecast) -> str:
    """SHA-256 over codes, periods and numbers: equal digests are equal forecasts."""
    total = hashlib.sha256()
    for column in ("item", "location"):
        total.update("\n".join(panel.series[column]).encode())
    for numbers in (found.periods, found.mean, found.quantiles, found.dependence):
        total.update(np.ascontiguousarray(numbers).tobytes())
    return total.hexdigest()
