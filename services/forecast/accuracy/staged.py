"""The stages of forecasts against demand, block of item-locations by block."""

import datetime
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self
from uuid import UUID

import numpy as np
from sqlalchemy.orm import Session

from services.forecast.accuracy.chains import Chains
from services.forecast.accuracy.groups import Groups, Run
from services.forecast.accuracy.schemas import By, StageOut, TotalAddedOut, ValueAddedOut, ValueAddedRowOut
from services.forecast.accuracy.service import Span
from services.forecast.demand.matrix import Matrix
from services.forecast.engine.cells import Floats, Ints
from services.forecast.engine.stages import Added, StageFigures, StageTally, series_sums
from shared import columns
from shared.db import psycopg_connection
from shared.principal import Area

VALUES = """
    SELECT told.forecast_id, series.id, array_send(told.naive), array_send(told.statistical), array_send(told.mean),
        array_send(agreed.mean)
    FROM unnest(%s::uuid[], %s::uuid[]) AS chain (champion, newest)
    JOIN forecast_series AS told ON told.forecast_id = champion
    JOIN forecast_series AS agreed
        ON agreed.forecast_id = newest AND agreed.item = told.item AND agreed.location = told.location
    JOIN series ON series.item = told.item AND series.location = told.location
    WHERE series.id = ANY(%s::bigint[]) AND told.naive IS NOT NULL
"""


@dataclass(frozen=True)
class Staged:
    """Chains, their groups, and their sums until now. newest: the consensus of each, else the champion."""

    chains: Chains
    span: list[datetime.date]  # all periods measured
    groups: Groups
    newest: Sequence[UUID]
    tally: StageTally

    @classmethod
    def of(cls, area: Area, told: Chains, span: Span, by: By, series: Sequence[Any]) -> Self:
        runs = [Run.of(area.frequency, chain.champion, span.of(area, chain.champion)) for chain in told.chains]
        newest = [(chain.consensus or chain.champion).id for chain in told.chains]
        measured = [chain.champion.periods[place] for chain in told.chains for place in span.of(area, chain.champion)]
        groups = Groups(by, runs, series)
        return cls(told, measured, groups, newest, StageTally(len(groups.names), len(told.stages)))

    def add(self, session: Session, numbers: Ints, past: Matrix, start: int) -> None:
        """Measure the block of series `numbers` [b], the first of which is number `start` of all."""
        names = [run.id for run in self.groups.runs]
        with psycopg_connection(session).cursor(binary=True) as cursor:
            found = cursor.execute(VALUES, (names, self.newest, numbers.tolist())).fetchall()
        told: dict[UUID, list[Any]] = {name: [] for name in names}
        for forecast, *row in found:
            told[forecast].append(row)
        parts = [part for run in self.groups.runs for part in self._parts(run, told[run.id], numbers, past, start)]
        if parts:
            group, rows, sums = (np.concatenate(column) for column in zip(*parts, strict=True))
            self.tally.add(group, rows, sums)

    def _parts(
        self, run: Run, told: Sequence[Any], numbers: Ints, past: Matrix, start: int
    ) -> list[tuple[Ints, Ints, Floats]]:
        """Groups [b], rows [b] and sums [b, 2 + 2S] of one forecast, by each stretch of its periods."""
        if not told:
            return []
        series, *values = zip(*told, strict=True)
        rows = np.searchsorted(numbers, np.array(series, dtype=np.int64))
        used = values[: len(self.chains.stages)]
        stages = np.stack([columns.matrix(column, run.steps)[:, run.places] for column in used])
        demand = past.at(run.periods)[rows]
        return [
            (group, rows, series_sums(demand[:, part], stages[:, :, part]))
            for group, part in self.groups.parts(run, rows, start, past)
        ]

    def report(self) -> ValueAddedOut:
        """What each stage adds, by group; stages are no groups of it."""
        lags = [lag for run in self.groups.runs for lag in run.lags]
        named = zip(self.groups.names, self.tally.figures(), strict=True)
        return ValueAddedOut(
            measure="wmape",
            first=min(self.span, default=None),
            last=max(self.span, default=None),
            first_lag=min(lags, default=None),
            last_lag=max(lags, default=None),
            forecasts=len(self.chains.chains),
            left_out=self.chains.left_out,
            items=[
                _row(None if self.groups.by == "stage" else name, self.chains.stages, figures)
                for name, figures in named
                if figures is not None
            ],
        )


def _row(group: str | None, stages: Sequence[str], figures: StageFigures) -> ValueAddedRowOut:
    steps = [Added(None, None, None), *figures.added]
    told = zip(stages, figures.wmape, figures.bias, steps, strict=True)
    return ValueAddedRowOut(
        group=group,
        n=figures.n,
        series=figures.series,
        stages=[StageOut(stage=stage, wmape=wmape, bias=bias, **asdict(step)) for stage, wmape, bias, step in told],
        total=TotalAddedOut(**asdict(figures.total)),
    )
