"""Forecasts against demand, block of item-locations by block, so that memory does not grow with the area."""

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self
from uuid import UUID

import numpy as np
from psycopg.rows import namedtuple_row
from sqlalchemy.orm import Session

from services.forecast.accuracy.schemas import By
from services.forecast.accuracy.service import Span
from services.forecast.demand import matrix
from services.forecast.demand.matrix import Matrix, ordinals
from services.forecast.engine.accuracy import Figures, Scales, Tally
from services.forecast.engine.cells import Bools, Floats, Ints
from services.forecast.forecasts.tables import Forecast
from shared.db import psycopg_connection
from shared.principal import Area, Frequency

BLOCK_SERIES = 2_000
BLOCK_STEPS = 250_000  # item-locations x periods of all forecasts: about 25 MB
SERIES = """
    SELECT series.id, item, location, category FROM series JOIN items USING (area, item)
    WHERE area = %s AND EXISTS (
        SELECT FROM forecast_series AS told
        WHERE told.forecast_id = ANY(%s::uuid[]) AND told.item = series.item AND told.location = series.location
    )
    ORDER BY series.id
"""
VALUES = """
    SELECT forecast_id, series.id, array_send(mean), array_send(quantiles)
    FROM unnest(%s::uuid[]) AS wanted (forecast_id)
    JOIN forecast_series USING (forecast_id)
    JOIN series USING (item, location)
    WHERE series.id = ANY(%s::bigint[])
"""

type Key = tuple[int, int]  # origin and period, numbered


@dataclass(frozen=True)
class Run:
    """A forecast as far as it is measured: which `places` of its periods, their numbers, and its origin's."""

    id: UUID
    model: str
    stage: str
    steps: int
    levels: int
    places: list[int]
    periods: Ints
    origin: int

    @classmethod
    def of(cls, frequency: Frequency, run: Forecast, span: Span) -> Self:
        places = span.of(run.periods)
        numbers = ordinals(frequency, run.periods)[places]
        origin = int(ordinals(frequency, [run.origin or run.periods[0]])[0])
        model = run.name if run.model_version is None else str(run.model_version)
        return cls(run.id, model or "", run.kind, len(run.periods), len(run.quantiles), places, numbers, origin)

    @property
    def lags(self) -> list[int]:
        lags: list[int] = (self.periods - self.origin).tolist()
        return lags


@dataclass(frozen=True)
class Values:
    """What a forecast tells of a block: its `rows` [b], mean [b, h] and quantiles [b, h, K] in the periods measured."""

    rows: Ints
    mean: Floats
    quantiles: Floats


@dataclass(frozen=True)
class Groups:
    """The names of the groups, and where a cell belongs."""

    by: By
    runs: Sequence[Run]
    series: Sequence[Any]

    @cached_property
    def names(self) -> list[str | None]:
        return list(self._numbers)

    @cached_property
    def _numbers(self) -> dict[str | None, int]:
        return {name: number for number, name in enumerate(dict.fromkeys(self._all()))}

    def _all(self) -> Iterator[str | None]:
        match self.by:
            case "model":
                return (run.model for run in self.runs)
            case "stage":
                return (run.stage for run in self.runs)
            case "forecast":
                return (str(run.id) for run in self.runs)
            case "lag":
                return map(str, sorted({lag for run in self.runs for lag in run.lags}))
            case _:
                return (getattr(one, self.by) for one in self.series)

    @cached_property
    def _of_series(self) -> Ints:
        return np.array([self._numbers[getattr(one, self.by)] for one in self.series])

    def parts(self, run: Run, rows: Ints) -> Iterator[tuple[Ints, slice]]:
        """The group of each series (`rows` [b] of all), for one stretch of the run's periods after the other."""
        everything = slice(None)
        match self.by:
            case "model":
                yield np.full(len(rows), self._numbers[run.model]), everything
            case "stage":
                yield np.full(len(rows), self._numbers[run.stage]), everything
            case "forecast":
                yield np.full(len(rows), self._numbers[str(run.id)]), everything
            case "lag":
                for place, lag in enumerate(run.lags):
                    yield np.full(len(rows), self._numbers[str(lag)]), slice(place, place + 1)
            case _:
                yield self._of_series[rows], everything


def measure(
    session: Session, area: Area, runs: Sequence[Forecast], span: Span, until: datetime.date, by: By, *, common: bool
) -> list[tuple[str | None, Figures]]:
    """The figures of each group that has a cell, in the order of the forecasts, series or lags."""
    told = [Run.of(area.frequency, run, span) for run in runs]
    with psycopg_connection(session).cursor(row_factory=namedtuple_row) as cursor:
        series = cursor.execute(SERIES, (area.area, [run.id for run in told])).fetchall()
    groups = Groups(by, told, series)
    tally = Tally(len(groups.names))
    block = max(1, min(BLOCK_SERIES, BLOCK_STEPS // max(1, sum(run.steps for run in told))))
    for start in range(0, len(series), block):
        numbers = np.array([one.id for one in series[start : start + block]])
        demand = matrix.read(session, area.frequency, numbers, until)
        values = read(session, told, numbers)
        shared = _common(values, len(numbers)) if common else None
        for run, mine in values:
            _add(tally, groups, run, mine, demand, area.season_length, start, shared)
    named = zip(groups.names, tally.figures(), strict=True)
    return [(name, figures) for name, figures in named if figures is not None]


def read(session: Session, runs: Sequence[Run], series: Ints) -> list[tuple[Run, Values]]:
    """What each run tells of the item-locations whose numbers are `series` [n], ascending."""
    with psycopg_connection(session).cursor(binary=True) as cursor:
        rows = cursor.execute(VALUES, ([run.id for run in runs], series.tolist())).fetchall()
    by_run: dict[UUID, list[Any]] = {run.id: [] for run in runs}
    for row in rows:
        by_run[row[0]].append(row[1:])
    return [(run, _arrays(run, by_run[run.id], series)) for run in runs]


def _arrays(run: Run, rows: list[Any], series: Ints) -> Values:
    places = np.searchsorted(series, np.array([row[0] for row in rows], dtype=np.int64))
    mean = _floats([row[1] for row in rows], run.steps)
    quantiles = _floats([row[2] for row in rows], run.steps * run.levels).reshape(len(rows), run.steps, run.levels)
    return Values(places, mean[:, run.places], quantiles[:, run.places])


def _floats(rows: Sequence[bytes], length: int) -> Floats:
    """Arrays [b, length] as PostgreSQL sends them: a head of five numbers, then each element after its size."""
    row = np.dtype([("head", "V20"), ("cells", [("size", ">i4"), ("value", ">f8")], (length,))])
    found: Floats = np.frombuffer(b"".join(rows), dtype=row)["cells"]["value"].astype(np.float64)
    return found


def _common(values: Sequence[tuple[Run, Values]], size: int) -> dict[Key, Bools]:
    """Which of the block's series [b] every model tells of, for each origin and period."""
    told: dict[Key, dict[str, Bools]] = {}
    for run, mine in values:
        for period in run.periods.tolist():
            models = told.setdefault((run.origin, period), {})
            models.setdefault(run.model, np.zeros(size, dtype=bool))[mine.rows] = True
    everybody = {run.model for run, _ in values}
    nobody = np.zeros(size, dtype=bool)
    return {key: np.all([found.get(model, nobody) for model in everybody], axis=0) for key, found in told.items()}


def _add(
    tally: Tally,
    groups: Groups,
    run: Run,
    mine: Values,
    past: Matrix,
    season: int,
    start: int,
    shared: dict[Key, Bools] | None,
) -> None:
    """Measure one forecast on one block, whose first series is number `start` of all."""
    rows = mine.rows
    if not len(rows):
        return
    demand, censored = past.at(run.periods)[rows], past.censored(run.periods)[rows]
    if shared is not None:
        kept = np.stack([shared[run.origin, period] for period in run.periods.tolist()], axis=1)[rows]
        demand, censored = np.where(kept, demand, np.nan), censored & kept
    scales = Scales.of(past.until(run.origin)[rows], season)
    for group, part in groups.parts(run, rows + start):
        tally.add(group, demand[:, part], censored[:, part], mine.mean[:, part], mine.quantiles[:, part], scales)
