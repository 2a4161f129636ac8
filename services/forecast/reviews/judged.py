"""The demand of the newest blocks of periods beside what forecasts had said of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.forecast.demand import matrix
from services.forecast.demand.matrix import ordinals
from services.forecast.demand.tables import Series
from services.forecast.engine.cells import QUANTILES, Floats, Ints
from services.forecast.engine.reviews import BLOCK
from services.forecast.forecasts import service as forecasts
from services.forecast.forecasts.grid import Grid
from services.forecast.forecasts.tables import Forecast
from services.forecast.models.tables import ModelVersion
from shared.principal import Frequency

BLOCK_SERIES = 2000
MEDIAN = QUANTILES.index(0.5)

type Key = tuple[str, str]


@dataclass(frozen=True)
class Telling:
    """A period, numbered, and who told of it `lag` periods before: the forecast with the shortest lag."""

    period: int
    forecast: UUID
    model_version: int
    step: int
    lag: int


@dataclass(frozen=True)
class Judged:
    """m periods: the `demand` [n, m] of each series, NaN where unknown, and the interval and median told of it."""

    tellings: Sequence[Telling]
    demand: Floats
    low: Floats
    median: Floats
    high: Floats


def tellings(session: Session, run: Forecast, frequency: Frequency) -> list[Telling]:
    """Of the periods known to `run` in its newest block and the one before. Blocks begin at multiples of `BLOCK`.

    Forecasts in hindsight, by a model that was trained on what they tell, are left out.
    """
    last = int(ordinals(frequency, [run.origin or run.periods[0]])[0])
    first = (last // BLOCK - 1) * BLOCK
    honest = forecasts.regular(run.area).join(
        ModelVersion, (ModelVersion.area == Forecast.area) & (ModelVersion.version == Forecast.model_version)
    )
    made = honest.where(Forecast.status == "succeeded", Forecast.origin >= ModelVersion.last_period)
    earlier = made.where(Forecast.origin < run.origin).order_by(Forecast.origin, Forecast.created_at)
    best: dict[int, Telling] = {}
    for told in session.scalars(earlier):
        origin = int(ordinals(frequency, [told.origin or told.periods[0]])[0])
        for step, period in enumerate(ordinals(frequency, told.periods).tolist()):
            if first <= period <= last and told.model_version is not None:
                best[period] = Telling(period, told.id, told.model_version, step, period - origin)
    return [best[period] for period in sorted(best)]


def read(session: Session, run: Forecast, frequency: Frequency, keys: Sequence[Key]) -> Judged:
    """What was told and came of the series `keys` [n]."""
    found = tellings(session, run, frequency)
    shape = len(keys), len(found)
    low, median, high = (np.full(shape, np.nan) for _ in range(3))
    rows = {key: row for row, key in enumerate(keys)}
    for forecast in dict.fromkeys(one.forecast for one in found):
        grid = Grid.read(session, session.get_one(Forecast, forecast))
        mine = [(place, rows[key]) for place, key in enumerate(_keys(grid)) if key in rows]
        places, targets = np.array(mine, dtype=np.int64).reshape(-1, 2).T
        for column, one in enumerate(found):
            if one.forecast == forecast:
                told = grid.quantiles[places, one.step]
                low[targets, column], median[targets, column] = told[:, 0], told[:, MEDIAN]
                high[targets, column] = told[:, -1]
    periods = np.array([one.period for one in found], dtype=np.int64)
    return Judged(found, _demand(session, run, frequency, keys, periods), low, median, high)


def _keys(grid: Grid) -> list[Key]:
    return list(zip(grid.items, grid.locations, strict=True))


def _demand(session: Session, run: Forecast, frequency: Frequency, keys: Sequence[Key], periods: Ints) -> Floats:
    """[n, m], NaN where unknown."""
    known = select(Series.id, Series.item, Series.location).where(Series.area == run.area).order_by(Series.id)
    rows = {key: row for row, key in enumerate(keys)}
    series = [(number, rows[item, place]) for number, item, place in session.execute(known) if (item, place) in rows]
    found = np.full((len(keys), len(periods)), np.nan)
    for start in range(0, len(series), BLOCK_SERIES):
        numbers, targets = np.array(series[start : start + BLOCK_SERIES], dtype=np.int64).T
        assert run.origin is not None  # noqa: S101  it has succeeded
        found[targets] = matrix.read(session, frequency, numbers, run.origin).at(periods)
    return found
