"""Quantiles for an external forecast that has none, from how demand has spread around its level until the origin."""

import datetime
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from services.forecast.demand import matrix
from services.forecast.demand.service import known_until
from services.forecast.engine.spread import Moments
from shared.db import psycopg_connection
from shared.principal import Area

BLOCK_SERIES = 2_000
SEASONS, LEAST_PERIODS = 3, 60  # how much of the history counts
MEANS = """
    SELECT series.id, item, location, array_agg(mean ORDER BY period)
    FROM incoming LEFT JOIN (SELECT id, item, location FROM series WHERE area = %s) AS series USING (item, location)
    GROUP BY series.id, item, location
    ORDER BY item, location
"""
COPY = "COPY gathered (item, location, mean, quantiles, dependence) FROM STDIN (FORMAT binary)"
COPY_TYPES = ("text", "text", "float8[]", "float8[]", "float8")

type Row = tuple[int | None, str, str, list[float]]


def derive(session: Session, area: Area, origin: datetime.date) -> list[dict[str, Any]]:
    """Fill the table `gathered` from the means in `incoming`; warnings that say so."""
    with psycopg_connection(session).cursor(binary=True) as cursor:
        rows = cursor.execute(MEANS, (area.area,)).fetchall()
    known = known_until(session, area)
    until = origin if known is None else min(origin, known)
    blocks = [slice(at, at + BLOCK_SERIES) for at in range(0, len(rows), BLOCK_SERIES)]
    moments = Moments.joined([_moments(session, area, until, rows[block]) for block in blocks])
    dependence = moments.dependence()
    with psycopg_connection(session).cursor() as cursor, cursor.copy(COPY) as copy:
        copy.set_types(COPY_TYPES)
        for block in blocks:
            for row, quantiles in zip(rows[block], _grids(moments, rows, block), strict=True):
                copy.write_row((*row[1:], quantiles, dependence))
    return list(_warnings(len(rows), int((~moments.own).sum())))


def _moments(session: Session, area: Area, until: datetime.date, rows: Sequence[Row]) -> Moments:
    numbers = np.array([-1 - at if row[0] is None else row[0] for at, row in enumerate(rows)], dtype=np.int64)
    order = np.argsort(numbers)
    past = matrix.read(session, area.frequency, numbers[order], until).demand
    newest = max(SEASONS * area.season_length, LEAST_PERIODS)
    history = np.empty((len(rows), min(past.shape[1], newest)))
    history[order] = past[:, past.shape[1] - history.shape[1] :]
    return Moments.of(history, area.season_length)


def _grids(moments: Moments, rows: Sequence[Row], block: slice) -> list[list[float]]:
    """Quantiles [H * K] of each of the block's rows."""
    means = np.array([mean for *_, mean in rows[block]])
    grids: list[list[float]] = moments.quantiles(means, block).reshape(len(means), -1).tolist()
    return grids


def _warnings(count: int, strange: int) -> Iterator[dict[str, Any]]:
    detail = "came with a mean only: quantiles are derived from how their demand has spread so far."
    yield {"code": "derived-quantiles", "detail": f"{count} item-locations {detail}", "count": count}
    if strange:
        detail = "lack the history to tell their spread: they take the median of the others."
        yield {"code": "derived-from-others", "detail": f"{strange} item-locations {detail}", "count": strange}
