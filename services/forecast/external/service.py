"""Forecasts that were made elsewhere: stored as ours are, so that they are read, planned on and measured alike."""

import datetime
from typing import Any

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.forecast import numbering, provenance
from services.forecast.demand.service import last_period
from services.forecast.external import rules
from services.forecast.external.schemas import LEVELS, ExternalMean, ExternalValueIn
from services.forecast.forecasts.grid import Grid
from services.forecast.forecasts.service import runs
from services.forecast.forecasts.tables import Forecast
from shared import observe
from shared.errors import Unprocessable
from shared.ids import uuid7
from shared.imports.kinds import Call, Kind, Made
from shared.principal import Area
from shared.rows import Rows


def store(session: Session, call: Call, rows: Rows[ExternalMean]) -> Made:
    """Store a forecast, unless the newest one of its name and origin is the same. OriginTooLate."""
    if not len(rows):
        raise Unprocessable("A forecast has at least one row.")
    grid = _grid(rows)
    covered = grid.periods.tolist()
    origin = rules.origin(call, covered[0])
    grid, warnings = _whole(session, call.who.area, origin, grid)
    name, digest = call.parameters["name"], grid.digest()
    before = _newest(session, call.area, name, origin)
    if before is not None and before.output_digest == digest:
        return Made(received=len(rows), created=0, updated=0, unchanged=len(rows), made=before.id)
    run = Forecast(
        id=uuid7(),
        area=call.area,
        source="external",
        name=name,
        status="succeeded",
        origin=origin,
        horizon=len(covered),
        seed=0,
        periods=covered,
        quantiles=list(LEVELS),
        series_count=len(grid.items),
        output_digest=digest,
        known_until=last_period(session, call.area) or origin,
        warnings=warnings,
        requested_by=call.who.actor,
        request_id=observe.request_id(),
        code_version=provenance.code_version(),
        started_at=func.now(),
        finished_at=func.now(),
    )
    session.add(run)
    session.flush()
    grid.store(session, run.id)
    return Made(received=len(rows), created=len(rows), updated=0, unchanged=0, made=run.id)


KIND: Kind[Any] = Kind("external_forecasts", "imports", ExternalValueIn, rules.check, store)


def _grid(rows: Rows[ExternalMean]) -> Grid:
    """The rows by item, location and period, all of which are there once; quantiles may all be NaN."""
    found, place = numbering.item_locations(rows)
    named = [(str(item), str(location)) for item, location in found]
    order = sorted(range(len(named)), key=named.__getitem__)
    starts, step = np.unique(numbering.days(rows), return_inverse=True)
    series = np.argsort(order)[place]
    mean = np.empty((len(named), len(starts)))
    mean[series, step] = rows.floats("mean")
    levels = np.empty((len(named), len(starts), len(LEVELS)))
    levels[series, step] = rules.quantiles(rows)
    codes = [[named[number][part] for number in order] for part in (0, 1)]
    return Grid(codes[0], codes[1], starts, mean, levels, np.zeros(len(named)))


def _whole(session: Session, area: Area, origin: datetime.date, grid: Grid) -> tuple[Grid, list[dict[str, Any]]]:
    """The grid, its quantiles derived where it has none (NaN); warnings that say so."""
    if not np.isnan(grid.quantiles).any():
        return grid, []
    from services.forecast.external import derivation  # noqa: PLC0415  the API process loads the engine when it must

    return derivation.derive(session, area, origin, grid)


def _newest(session: Session, area: str, name: str, origin: datetime.date) -> Forecast | None:
    """The newest forecast of this name and origin; until the transaction ends nobody adds another one."""
    lock = func.pg_advisory_xact_lock(func.hashtextextended(f"external forecast {area} {name}", 0))
    session.execute(select(lock))
    before = runs(area, "external", name).where(Forecast.origin == origin)
    return session.scalar(before.order_by(Forecast.created_at.desc(), Forecast.id.desc()).limit(1))
