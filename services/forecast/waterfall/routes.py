"""What was expected of a period, forecast after forecast, beside what came."""

import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query
from sqlalchemy import text
from sqlalchemy.orm import Session

from services.forecast.demand.service import known_until
from services.forecast.forecasts import service as forecasts
from services.forecast.forecasts.tables import Forecast
from shared.app import problems
from shared.app import router as strict_router
from shared.db import Read
from shared.errors import Unprocessable
from shared.principal import Caller
from shared.schemas import Code, Schema

MOST = 24
_ID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
IDS = f"^{_ID}(,{_ID})*$"
router = strict_router(tags=["Forecasts"])
_EXPECTED = text(
    "SELECT part.step, sum(part.mean) FROM forecast_series, unnest(mean) WITH ORDINALITY AS part (mean, step)"
    " WHERE forecast_id = :forecast AND (CAST(:item AS text) IS NULL OR item = :item)"
    " AND (CAST(:location AS text) IS NULL OR location = :location) GROUP BY part.step"
)
_CAME = text(
    "SELECT period, sum(quantity) FROM demand JOIN series ON series.id = demand.series_id"
    " WHERE series.area = :area AND period BETWEEN :first AND :last"
    " AND (CAST(:item AS text) IS NULL OR item = :item) AND (CAST(:location AS text) IS NULL OR location = :location)"
    " GROUP BY period"
)


class SnapshotOut(Schema):
    """A forecast's total by period, null where it does not reach."""

    forecast: UUID
    stage: str
    origin: datetime.date | None
    expected: list[float | None]


class WaterfallOut(Schema):
    """Totals over the item-locations asked for; `actual` is null for periods whose demand is not known yet."""

    periods: list[datetime.date]
    actual: list[float | None]
    snapshots: list[SnapshotOut]


@router.get("/waterfall", operation_id="get_waterfall", responses=problems(409))
def get_waterfall(
    who: Caller,
    session: Read,
    ids: Annotated[str, Query(max_length=2000, pattern=IDS, description="Forecasts, with commas between them.")],
    item: Code | None = None,
    location: Code | None = None,
) -> WaterfallOut:
    """Show what past forecasts, such as those that cycles rest on, expected of each period, beside what came."""
    area = who.area
    names = list(dict.fromkeys(map(UUID, ids.split(","))))
    if len(names) > MOST:
        fault = {"parameter": "ids", "detail": f"must name at most {MOST} forecasts"}
        raise Unprocessable("Too many forecasts.", errors=[fault])
    runs = [forecasts.ready(session, area.area, name) for name in names]
    runs.sort(key=lambda run: (run.origin or datetime.date.min, run.created_at))
    periods = sorted({period for run in runs for period in run.periods})
    scope = {"item": item, "location": location}
    known = known_until(session, area)
    came = _came(session, area.area, periods, scope)
    actual = [came.get(period, 0.0) if known is not None and period <= known else None for period in periods]
    snapshots = [_snapshot(session, run, periods, scope) for run in runs]
    return WaterfallOut(periods=periods, actual=actual, snapshots=snapshots)


def _came(
    session: Session, area: str, periods: list[datetime.date], scope: dict[str, str | None]
) -> dict[datetime.date, float]:
    span = {"area": area, "first": periods[0], "last": periods[-1]}
    return {period: quantity for period, quantity in session.execute(_CAME, span | scope)}  # noqa: C416


def _snapshot(
    session: Session, run: Forecast, periods: list[datetime.date], scope: dict[str, str | None]
) -> SnapshotOut:
    totals = {run.periods[step - 1]: mean for step, mean in session.execute(_EXPECTED, {"forecast": run.id} | scope)}
    expected = [totals.get(period) for period in periods]
    return SnapshotOut(forecast=run.id, stage=run.kind, origin=run.origin, expected=expected)
