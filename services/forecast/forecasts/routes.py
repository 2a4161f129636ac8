from typing import Any
from uuid import UUID

from fastapi import Request, Response
from sqlalchemy.orm import Session

from services.forecast.forecasts import node_values, service, values
from services.forecast.forecasts.schemas import (
    ExternalName,
    ForecastIn,
    ForecastName,
    ForecastOut,
    ForecastValueOut,
    NodeValueOut,
)
from services.forecast.forecasts.tables import Forecast, Source
from services.forecast.selection import Selection
from shared import waiting
from shared.app import problems
from shared.app import router as strict_router
from shared.db import Read, Write
from shared.export import AS_TABLE, stream
from shared.media import JSON, TABLES, wanted
from shared.paging import Asked, Page, Paging, page
from shared.principal import Caller
from shared.schemas import Code

router = strict_router(tags=["Forecasts"])
RUNS = waiting.Runs(Forecast, lambda session, run: ForecastOut.of(run, service.accuracy(session, run)))


@router.post(
    "/forecasts",
    operation_id="start_forecast",
    status_code=202,
    responses=problems(400, 409, 413, 415),
    dependencies=[RUNS.prefer],
)
def start_forecast(body: ForecastIn, who: Caller, session: Write, response: Response) -> ForecastOut:
    """Forecast every item-location of the area from its history, without training anew."""
    run = service.start(session, who, body)
    response.headers["Location"] = f"/v1/areas/{run.area}/forecasts/{run.id}"
    return ForecastOut.of(run, service.accuracy(session, run))


@router.get("/forecasts", operation_id="list_forecasts", responses=problems())
def list_forecasts(
    who: Caller, session: Read, asked: Paging, source: Source | None = None, name: ExternalName | None = None
) -> Page[ForecastOut]:
    """List forecasts, newest first; `source` tells those of our models from external ones, which have names."""
    keys = [Forecast.created_at, Forecast.id]
    rows, following = page(session, service.runs(who.area.area, source, name), keys, asked, descending=True)
    return Page(items=[ForecastOut.of(row, service.accuracy(session, row)) for row in rows], next_cursor=following)


@router.get("/forecasts/{forecast}", operation_id="get_forecast", responses=problems(), dependencies=[RUNS.prefer])
def get_forecast(forecast: ForecastName, who: Caller, session: Read) -> ForecastOut:
    """Show a forecast; `latest` is our models' newest that succeeded, `consensus` the newest that people adjusted."""
    run = service.one(session, who.area.area, forecast)
    return ForecastOut.of(run, service.accuracy(session, run))


RUNS.events(router, "/forecasts/{run}/events", operation_id="follow_forecast", responses=problems())


@router.post("/forecasts/{forecast}/cancel", operation_id="cancel_forecast", responses=problems())
def cancel_forecast(forecast: UUID, who: Caller, session: Write) -> ForecastOut:
    """Ask a forecast to stop; one that has ended stays as it is."""
    run = service.cancel(session, who.area.area, forecast)
    return ForecastOut.of(run, service.accuracy(session, run))


@router.get(
    "/forecasts/{forecast}/values",
    operation_id="list_forecast_values",
    response_model=Page[ForecastValueOut] | Page[NodeValueOut],
    responses=problems(406, 409) | AS_TABLE,
)
def list_forecast_values(
    forecast: ForecastName,
    request: Request,
    who: Caller,
    session: Read,
    asked: Paging,
    item: Code | None = None,
    location: Code | None = None,
    level: Code | None = None,
) -> Any:
    """List a forecast's values: JSON by pages; CSV, NDJSON, Parquet and Arrow as one stream, a column per quantile.

    `level` gives aggregates instead: `total`, `item`, `location`, or an attribute of them such as `category`.
    """
    media = wanted(request, *TABLES)
    run = service.ready(session, who.area.area, forecast)
    which = Selection(item, location)
    if level is not None:
        node_values.require(run, level, which)
        return _nodes(request, media, session, run, level, asked)
    if media != JSON:
        return stream(media, values.schema(run), values.batches(request.app.state.database, run, which))
    rows, following = page(session, values.cells(run, which), values.CELL_KEYS, asked)
    return Page(items=[values.value(run, row) for row in rows], next_cursor=following)


def _nodes(request: Request, media: str, session: Session, run: Forecast, level: str, asked: Asked) -> Any:
    if media != JSON:
        found = node_values.batches(request.app.state.database, run, level)
        return stream(media, node_values.schema(run), found)
    rows, following = page(session, node_values.cells(run, level), node_values.CELL_KEYS, asked)
    return Page(items=[node_values.value(run, row) for row in rows], next_cursor=following)
