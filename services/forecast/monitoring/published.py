"""What a model published of each period, beside the demand that came: one lag, block of item-locations by block."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from psycopg.rows import namedtuple_row
from sqlalchemy.orm import Session

from services.forecast.accuracy.groups import Run
from services.forecast.accuracy.measurement import BLOCK_SERIES, BLOCK_STEPS, SERIES, read
from services.forecast.demand import matrix
from services.forecast.demand.matrix import ordinals
from services.forecast.engine.cells import QUANTILES, Floats, Ints
from services.forecast.engine.drift import Shift
from services.forecast.engine.limits import YEAR
from services.forecast.engine.monitoring import Judged
from services.forecast.engine.segments import SEGMENTS, segments
from services.forecast.forecasts.tables import Forecast
from shared.db import psycopg_connection
from shared.principal import Frequency

YEARS = 2  # of periods, the newest


@dataclass(frozen=True)
class Published:
    """n item-locations (item, location, category), T periods numbered `periods`, judged; segment [n].

    shifts: by class, how demand relative to its mean is spread in the newest season part against a year before.
    """

    series: Sequence[Any]
    periods: Ints
    judged: Judged
    segment: Ints
    shifts: dict[int, Shift]


@dataclass(frozen=True)
class Telling:
    """The newest forecast of a period: which run, and the place of the period among those that it is measured in."""

    run: Run
    place: int


def _until(run: Forecast, last: datetime.date) -> list[int]:
    """The places of a forecast's periods up to `last`."""
    return [place for place, period in enumerate(run.periods) if period <= last]


def published(session: Session, frequency: Frequency, runs: Sequence[Forecast], until: datetime.date) -> Published:
    """What `runs` of one model, oldest first, told of the periods up to `until`, a period or more before each."""
    told = [Run.of(frequency, run, _until(run, until)) for run in runs]
    newest: dict[int, Telling] = {}
    for run in sorted(told, key=lambda one: one.origin):
        newest |= {int(number): Telling(run, place) for place, number in enumerate(run.periods) if number > run.origin}
    last = int(ordinals(frequency, [until])[0])
    periods = np.array(sorted(number for number in newest if number > last - YEARS * YEAR[frequency]), dtype=np.int64)
    with psycopg_connection(session).cursor(row_factory=namedtuple_row) as cursor:
        series = cursor.execute(SERIES, (runs[0].area, [run.id for run in told])).fetchall()
    block = max(1, min(BLOCK_SERIES, BLOCK_STEPS // max(1, sum(run.steps for run in told))))
    parts = [
        _block(session, frequency, [newest[number] for number in periods.tolist()], periods, until, numbers)
        for start in range(0, len(series), block)
        for numbers in [np.array([one.id for one in series[start : start + block]])]
    ]
    judged, segment, recent, before = zip(*parts, strict=True)
    classes = np.concatenate(segment)
    now, then = np.concatenate(recent), np.concatenate(before)
    shifts = {
        number: found
        for number in range(len(SEGMENTS))
        if (found := Shift.between(then[classes == number].ravel(), now[classes == number].ravel())) is not None
    }
    return Published(series, periods, Judged.joined(judged), classes, shifts)


def _block(
    session: Session,
    frequency: Frequency,
    tellings: Sequence[Telling],
    periods: Ints,
    until: datetime.date,
    numbers: Ints,
) -> tuple[Judged, Ints, Floats, Floats]:
    past = matrix.read(session, frequency, numbers, until)
    mean = np.full((len(numbers), len(periods)), np.nan)
    quantiles = np.full((*mean.shape, len(QUANTILES)), np.nan)
    wanted = list({telling.run.id: telling.run for telling in tellings}.values())
    values = {run.id: told for run, told in read(session, wanted, numbers)}
    for column, telling in enumerate(tellings):
        told = values[telling.run.id]
        mean[told.rows, column] = told.mean[:, telling.place]
        quantiles[told.rows, column] = told.quantiles[:, telling.place]
    year, last = YEAR[frequency], int(ordinals(frequency, [until])[0])
    part = np.arange(last - max(year // 4, 1) + 1, last + 1)
    usual = np.nanmean(np.where(np.isnan(past.demand), 0, past.demand), axis=1, keepdims=True)
    relative = [past.at(part - back) / np.where(usual > 0, usual, np.nan) for back in (0, year)]
    segment = segments(past.until(int(periods[0]) - 1))
    return Judged.of(past.at(periods), mean, quantiles), segment, relative[0], relative[1]
