"""The review of a forecast that has succeeded: what moved, and what was missed."""

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.forecast.engine import reviews
from services.forecast.engine.cells import Floats
from services.forecast.forecasts import service as forecasts
from services.forecast.forecasts.grid import Grid
from services.forecast.forecasts.tables import Forecast
from services.forecast.items.tables import Item
from services.forecast.models.tables import ModelVersion
from services.forecast.reviews import filing
from services.forecast.reviews.misses import missed
from shared.db import Database

MOST_SHOWN = 20  # of one forecast
DIGITS = 6

type Key = tuple[str, str]


@dataclass
class Found:
    """What is said against the forecast of one item-location. units: how much is at stake."""

    key: Key
    units: float
    origins: list[str]
    evidence: dict[str, Any]


def review(database: Database, forecast: UUID) -> None:
    """Look at a forecast as it was published, and queue what is to be filed of it."""
    with database.write() as session:
        run = session.scalar(select(Forecast).where(Forecast.id == forecast))
        if run is None or run.origin is None or run.base is not None or run.model_version is None:
            return
        version = session.get_one(ModelVersion, (run.area, run.model_version))
        grid = Grid.read(session, run)
        keys = list(zip(grid.items, grid.locations, strict=True))
        found: dict[Key, Found] = {}
        for one in (*_jumps(session, run, grid, keys), *_misses(session, run, version, keys)):
            known = found.setdefault(one.key, one)
            if known is not one:
                known.origins += one.origins
                known.evidence |= one.evidence
        filing.queue(session, run.area, _ranked(session, run, list(found.values())))


def _jumps(session: Session, run: Forecast, grid: Grid, keys: Sequence[Key]) -> Iterator[Found]:
    """Item-locations whose forecast moved, against the one published before, by more than that one's spread."""
    previous = _previous(session, run)
    if previous is None:
        return
    before = Grid.read(session, previous)
    shared, here, there = np.intersect1d(grid.periods, before.periods, return_indices=True)
    rows = {key: row for row, key in enumerate(zip(before.items, before.locations, strict=True))}
    both = [(row, rows[key]) for row, key in enumerate(keys) if key in rows]
    if not len(shared) or not both:
        return
    now, then = np.array(both).T
    means: tuple[Floats, Floats] = (before.mean[then][:, there], grid.mean[now][:, here])
    change, spread, z = reviews.jumps(means[0], before.quantiles[then][:, there], before.dependence[then], means[1])
    for place in np.flatnonzero(np.abs(z) >= reviews.JUMP).tolist():
        key = keys[now[place]]
        jump = {
            "previous": str(previous.id),
            "previous_model_version": previous.model_version,
            "periods": [str(period) for period in shared],
            "before": _rounded(means[0][place]),
            "after": _rounded(means[1][place]),
            "change": _round(change[place]),
            "spread": _round(spread[place]),
            "z": _round(z[place]),
        }
        yield Found(key, abs(float(change[place])), [filing.origin("jump", run.id, *key)], {"jump": jump})


def _previous(session: Session, run: Forecast) -> Forecast | None:
    """The forecast that was published before, of no newer demand; where this one looks back there may be none."""
    published = forecasts.regular(run.area).where(Forecast.status == "succeeded", Forecast.base.is_(None))
    before = published.where(Forecast.created_at < run.created_at, Forecast.id != run.id)
    newest = session.scalar(before.order_by(Forecast.created_at.desc(), Forecast.id.desc()).limit(1))
    if newest is None or run.origin is None or newest.origin is None or newest.origin > run.origin:
        return None
    return newest


def _misses(session: Session, run: Forecast, version: ModelVersion, keys: Sequence[Key]) -> Iterator[Found]:
    """Of the item-locations that the forecast has."""
    mine = set(keys)
    for one in missed(session, run, version):
        key = one.item, one.location
        if key in mine:
            yield Found(key, one.units, [filing.origin("misses", one.block, *key)], {"misses": one.evidence})


def _ranked(session: Session, run: Forecast, found: Sequence[Found]) -> list[dict[str, Any]]:
    """Those with most at stake, in money at unit cost, and where no cost is known behind them in units."""
    prices = select(Item.item, Item.unit_cost).where(Item.area == run.area, Item.unit_cost.is_not(None))
    cost: dict[str, Decimal | None] = {row.item: row.unit_cost for row in session.execute(prices)}
    worth = [_money(one.units, cost.get(one.key[0])) for one in found]
    order = sorted(range(len(found)), key=lambda n: (-(worth[n] or Decimal(0)), -found[n].units, found[n].key))
    last = run.periods[-1] + (run.periods[-1] - run.periods[-2] if len(run.periods) > 1 else datetime.timedelta(days=1))
    return [
        {
            "type": "review_forecast",
            "origins": found[n].origins,
            "item": found[n].key[0],
            "location": found[n].key[1],
            "forecast": str(run.id),
            "model_version": run.model_version,
            "expires_on": str(last),
            "stake": {
                "units": _round(found[n].units),
                "value": None if worth[n] is None else str(worth[n]),
                "rank": rank,
                "flagged": len(found),
            },
            **found[n].evidence,
        }
        for rank, n in enumerate(order[:MOST_SHOWN], start=1)
    ]


def _money(units: float, cost: Decimal | None) -> Decimal | None:
    return None if cost is None else (Decimal(repr(units)) * cost).quantize(Decimal("0.01"))


def _round(value: float) -> float:
    return round(float(value), DIGITS)


def _rounded(values: Floats) -> list[float]:
    return [_round(value) for value in values]
