"""Quantiles for an external forecast that has none, from how demand has spread around its level until the origin."""

import datetime
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.forecast.demand import matrix
from services.forecast.demand.service import known_until
from services.forecast.demand.tables import Series
from services.forecast.engine.cells import Ints
from services.forecast.engine.spread import Moments
from services.forecast.forecasts.grid import Grid
from shared.principal import Area

BLOCK_SERIES = 2_000
SEASONS, LEAST_PERIODS = 3, 60  # how much of the history counts


def derive(session: Session, area: Area, origin: datetime.date, grid: Grid) -> tuple[Grid, list[dict[str, Any]]]:
    """The grid with quantiles derived from its means; warnings that say so."""
    known = known_until(session, area)
    until = origin if known is None else min(origin, known)
    numbers = _numbers(session, area.area, grid)
    blocks = [slice(at, at + BLOCK_SERIES) for at in range(0, len(numbers), BLOCK_SERIES)]
    newest = max(SEASONS * area.season_length, LEAST_PERIODS)
    histories = (_history(session, area, until, numbers[block], newest) for block in blocks)
    moments = Moments.joined([Moments.of(history, area.season_length) for history in histories])
    quantiles = np.concatenate([moments.quantiles(grid.mean[block], block) for block in blocks])
    dependence = np.full(len(numbers), moments.dependence())
    warnings = list(_warnings(len(numbers), int((~moments.own).sum())))
    return replace(grid, quantiles=quantiles, dependence=dependence), warnings


def _numbers(session: Session, area: str, grid: Grid) -> Ints:
    """[n] the number of each item-location's demand; negative ones, each its own, where it has had none."""
    named = select(Series.item, Series.location, Series.id).where(Series.area == area)
    known = {(item, location): number for item, location, number in session.execute(named)}
    codes = zip(grid.items, grid.locations, strict=True)
    return np.array([known.get(pair, -1 - at) for at, pair in enumerate(codes)], dtype=np.int64)


def _history(session: Session, area: Area, until: datetime.date, numbers: Ints, newest: int) -> Any:
    """Demand [b, t] of the item-locations with these `numbers` [b] in at most the `newest` periods up to `until`."""
    order = np.argsort(numbers)
    past = matrix.read(session, area.frequency, numbers[order], until).demand
    history = np.empty((len(numbers), min(past.shape[1], newest)))
    history[order] = past[:, past.shape[1] - history.shape[1] :]
    return history


def _warnings(count: int, strange: int) -> Iterator[dict[str, Any]]:
    detail = "came with a mean only: quantiles are derived from how their demand has spread so far."
    yield {"code": "derived-quantiles", "detail": f"{count} item-locations {detail}", "count": count}
    if strange:
        detail = "lack the history to tell their spread: they take the median of the others."
        yield {"code": "derived-from-others", "detail": f"{strange} item-locations {detail}", "count": strange}
