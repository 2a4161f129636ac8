"""Forecasts against demand, block of item-locations by block, so that memory does not grow with the area."""

import datetime
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

import numpy as np
from psycopg.rows import namedtuple_row
from sqlalchemy.orm import Session

from services.forecast.accuracy.chains import Chains
from services.forecast.accuracy.groups import Groups, Run
from services.forecast.accuracy.schemas import AccuracyRowOut, By, ValueAddedOut
from services.forecast.accuracy.service import Span
from services.forecast.accuracy.staged import Staged
from services.forecast.demand import matrix
from services.forecast.demand.matrix import Matrix
from services.forecast.engine.accuracy import Scales, Tally
from services.forecast.engine.cells import Bools, Floats, Ints
from services.forecast.forecasts.tables import Forecast
from shared import columns
from shared.db import psycopg_connection
from shared.principal import Area

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
class Values:
    """What a forecast tells of a block: its `rows` [b], mean [b, h] and quantiles [b, h, K] in the periods measured."""

    rows: Ints
    mean: Floats
    quantiles: Floats


def measure(
    session: Session,
    area: Area,
    runs: Sequence[Forecast],
    chains: Chains,
    span: Span,
    until: datetime.date,
    by: By,
    *,
    common: bool,
) -> tuple[list[AccuracyRowOut], ValueAddedOut]:
    """The figures of each group that has a cell, in the order of the forecasts, series or lags, and those by stage."""
    told = [Run.of(area.frequency, run, span.of(area, run)) for run in runs]
    with psycopg_connection(session).cursor(row_factory=namedtuple_row) as cursor:
        series = cursor.execute(SERIES, (area.area, [run.id for run in told])).fetchall()
    groups = Groups(by, told, series)
    tally, staged = Tally(len(groups.names)), Staged.of(area, chains, span, by, series)
    block = max(1, min(BLOCK_SERIES, BLOCK_STEPS // max(1, sum(run.steps for run in told))))
    for start in range(0, len(series), block):
        numbers = np.array([one.id for one in series[start : start + block]])
        demand = matrix.read(session, area.frequency, numbers, until)
        values = read(session, told, numbers)
        shared = _common(values, len(numbers)) if common else None
        for run, mine in values:
            _add(tally, groups, run, mine, demand, area.season_length, start, shared)
        staged.add(session, numbers, demand, start)
    named = zip(groups.names, tally.figures(), strict=True)
    rows = [AccuracyRowOut(group=name, **asdict(figures)) for name, figures in named if figures is not None]
    return rows, staged.report()


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
    mean = columns.matrix([row[1] for row in rows], run.steps)
    flat = columns.matrix([row[2] for row in rows], run.steps * run.levels)
    quantiles = flat.reshape(len(rows), run.steps, run.levels)
    return Values(places, mean[:, run.places], quantiles[:, run.places])


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
    for group, part in groups.parts(run, rows, start, past):
        tally.add(group, demand[:, part], censored[:, part], mine.mean[:, part], mine.quantiles[:, part], scales)
