"""The consensus job: a forecast with numbers of others that people chose, and as they adjusted it."""

from dataclasses import replace
from uuid import UUID

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.forecast import provenance
from services.forecast.adjustments import service as adjustments
from services.forecast.adjustments.applying import Labels, applied
from services.forecast.adjustments.tables import Adjustment
from services.forecast.forecasts.grid import Grid
from services.forecast.forecasts.tables import Forecast
from services.forecast.items.tables import Item, Location
from shared.jobs import Work


def consensus(work: Work[Forecast]) -> None:
    """The base of the run with what external forecasts say, and the adjustments that held when it was asked for."""
    wanted = {one["id"] for one in work.run.adjustments}
    with work.database.read() as session:
        base = session.get_one(Forecast, work.run.base)
        grid = Grid.read(session, base)
        for source in work.run.sources:
            grid = replaced(grid, Grid.read(session, session.get_one(Forecast, UUID(source["forecast"]))))
        held = adjustments.adjustments(work.run.area).where(Adjustment.id.in_(wanted))
        chosen = list(session.scalars(held.order_by(Adjustment.sequence)))
        labels = _labels(session, work.run.area, grid)
    found = applied(grid, labels, chosen)
    with work.finish() as (session, run):
        run.periods, run.quantiles = base.periods, base.quantiles
        run.series_count = len(found.items)
        run.output_digest = found.digest()
        run.code_version = provenance.code_version()
        run.warnings = base.warnings
        found.store(session, run.id)


def replaced(grid: Grid, by: Grid) -> Grid:
    """The grid with the other one's mean and quantiles in all cells that both have.

    How an item-location's periods depend on each other stays as the model knows it.
    """
    rows = {key: row for row, key in enumerate(zip(grid.items, grid.locations, strict=True))}
    both = [(rows[key], row) for row, key in enumerate(zip(by.items, by.locations, strict=True)) if key in rows]
    _, here, there = np.intersect1d(grid.periods, by.periods, return_indices=True)
    to, of = np.array(both, dtype=np.intp).reshape(-1, 2).T
    mean, quantiles = np.array(grid.mean, dtype=np.float64), np.array(grid.quantiles, dtype=np.float64)
    mean[np.ix_(to, here)] = by.mean[np.ix_(of, there)]
    quantiles[np.ix_(to, here)] = by.quantiles[np.ix_(of, there)]
    return replace(grid, mean=mean, quantiles=quantiles)


def _labels(session: Session, area: str, grid: Grid) -> Labels:
    items = select(Item.item, Item.category).where(Item.area == area)
    places = select(Location.location, Location.region).where(Location.area == area)
    categories, regions = (dict(session.execute(told).all()) for told in (items, places))
    return Labels([categories.get(item) for item in grid.items], [regions.get(place) for place in grid.locations])
