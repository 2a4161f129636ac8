"""What published forecasts told of periods that are over, beside the demand that came: block by block of series."""

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from psycopg.rows import namedtuple_row
from sqlalchemy import Select, and_, or_
from sqlalchemy.orm import Session

from services.forecast.accuracy.groups import Run
from services.forecast.accuracy.measurement import BLOCK_SERIES, BLOCK_STEPS, SERIES, read
from services.forecast.demand import matrix
from services.forecast.demand.matrix import Matrix
from services.forecast.engine.cells import QUANTILES, Floats, Ints
from services.forecast.forecasts.service import runs
from services.forecast.forecasts.tables import Forecast, Source
from services.forecast.models.tables import ModelVersion
from shared.db import psycopg_connection
from shared.principal import Frequency


@dataclass(frozen=True)
class Telling:
    """The forecast with the shortest lag of a period: its run, and the place of the period among those measured."""

    run: Run
    place: int

    @property
    def period(self) -> int:
        return int(self.run.periods[self.place])

    @property
    def lag(self) -> int:
        return self.run.lags[self.place]


@dataclass(frozen=True)
class Block:
    """n item-locations `series` (item, location, category), T periods: their `past` demand, what was told of them.

    demand, mean [n, T] in units; quantiles [n, T, K]. NaN is unknown.
    """

    series: Sequence[Any]
    past: Matrix
    demand: Floats
    mean: Floats
    quantiles: Floats


def published(area: str, source: Source | None = None) -> Select[Forecast]:
    """Forecasts that succeeded as they were published, but for those of a model that was trained on what they tell."""
    version = and_(ModelVersion.area == Forecast.area, ModelVersion.version == Forecast.model_version)
    honest = or_(Forecast.model_version.is_(None), Forecast.origin >= ModelVersion.last_period)
    told = runs(area, source).outerjoin(ModelVersion, version).where(honest)
    return told.where(Forecast.status == "succeeded", Forecast.overlays == [], Forecast.stage == "champion")


def tellings(frequency: Frequency, found: Sequence[Forecast], since: int, until: datetime.date) -> list[Telling]:
    """Of each period from number `since` to `until`, who told of it last, a period or more before.

    found: forecasts, oldest first.
    """
    told = [Run.of(frequency, run, [place for place, day in enumerate(run.periods) if day <= until]) for run in found]
    newest: dict[int, Telling] = {}
    for run in sorted(told, key=lambda one: one.origin):
        mine = ((number, place) for place, number in enumerate(run.periods.tolist()) if number > run.origin)
        newest |= {number: Telling(run, place) for number, place in mine if number >= since}
    return [newest[number] for number in sorted(newest)]


def blocks(
    session: Session, area: str, frequency: Frequency, told: Sequence[Telling], until: datetime.date
) -> Iterator[Block]:
    """All that was told, and demand up to `until`."""
    wanted = list({one.run.id: one.run for one in told}.values())
    with psycopg_connection(session).cursor(row_factory=namedtuple_row) as cursor:
        series = cursor.execute(SERIES, (area, [run.id for run in wanted])).fetchall()
    size = max(1, min(BLOCK_SERIES, BLOCK_STEPS // max(1, sum(run.steps for run in wanted))))
    periods = np.array([one.period for one in told], dtype=np.int64)
    for start in range(0, len(series), size):
        part = series[start : start + size]
        numbers = np.array([one.id for one in part])
        past = matrix.read(session, frequency, numbers, until)
        yield Block(part, past, past.at(periods), *_values(session, told, wanted, numbers))


def _values(session: Session, told: Sequence[Telling], wanted: Sequence[Run], numbers: Ints) -> tuple[Floats, Floats]:
    mean = np.full((len(numbers), len(told)), np.nan)
    quantiles = np.full((*mean.shape, len(QUANTILES)), np.nan)
    values = {run.id: found for run, found in read(session, wanted, numbers)}
    for column, one in enumerate(told):
        found = values[one.run.id]
        mean[found.rows, column] = found.mean[:, one.place]
        quantiles[found.rows, column] = found.quantiles[:, one.place]
    return mean, quantiles
