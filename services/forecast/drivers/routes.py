from typing import Annotated, Any

import pyarrow as pa
from fastapi import Query, Request, Response

from services.forecast.drivers import service
from services.forecast.drivers.schemas import DriverIn, DriverOut, ValueIn, ValueOut
from services.forecast.drivers.tables import Driver, DriverValue
from services.forecast.selection import Selection
from shared import etag, fetch
from shared.app import problems
from shared.app import router as strict_router
from shared.db import Read, Write
from shared.export import AS_TABLE, stream
from shared.imports.kinds import Counts
from shared.imports.routes import RESPONSES, accepts
from shared.imports.schemas import ImportOut
from shared.imports.service import Received
from shared.media import JSON, TABLES, wanted
from shared.paging import Page, Paging, page
from shared.principal import Caller
from shared.schemas import Code, Date, Key

SCHEMA = pa.schema([("item", pa.string()), ("location", pa.string()), ("period", pa.date32()), ("value", pa.float64())])

router = strict_router(tags=["Drivers"])


@router.get("/drivers", operation_id="list_drivers", responses=problems())
def list_drivers(who: Caller, session: Read, asked: Paging) -> Page[DriverOut]:
    """List the drivers, by name."""
    rows, following = page(session, service.drivers(who.area.area), [Driver.driver], asked)
    return Page(items=[DriverOut.model_validate(row) for row in rows], next_cursor=following)


@router.get("/drivers/{driver}", operation_id="get_driver", responses=problems())
def get_driver(driver: Key, who: Caller, session: Read, response: Response) -> DriverOut:
    """Show a driver's definition."""
    found = service.one(session, who.area.area, driver)
    response.headers["ETag"] = etag.of(found.version)
    return DriverOut.model_validate(found)


@router.put("/drivers/{driver}", operation_id="put_driver", responses=problems(400, 409, 413, 415))
def put_driver(driver: Key, body: DriverIn, who: Caller, session: Write, response: Response) -> DriverOut:
    """Define a driver, or change its definition."""
    found = service.put(session, who.area.area, driver, body)
    response.headers["ETag"] = etag.of(found.version)
    return DriverOut.model_validate(found)


@router.post(
    "/drivers/{driver}/values",
    operation_id="post_driver_values",
    response_model=None,
    openapi_extra=accepts(ValueIn),
    responses=RESPONSES,
)
def post_driver_values(driver: Key, received: Received) -> Counts | ImportOut:
    """Store a driver's values, past and future; more than 1,000 rows become an import.

    From the first value of a promotion or an event on, a period without a row is a period without one (0). Future
    values of other drivers known ahead that are missing inside a forecast's horizon are held at the last value, and
    the forecast's `warnings` say so.
    """
    return received.take(service.VALUES, driver=driver)


@router.get(
    "/drivers/{driver}/values",
    operation_id="list_driver_values",
    response_model=Page[ValueOut],
    responses=problems(406) | AS_TABLE,
)
def list_driver_values(
    driver: Key,
    request: Request,
    who: Caller,
    session: Read,
    asked: Paging,
    item: Code | None = None,
    location: Code | None = None,
    first: Annotated[Date | None, Query(alias="from")] = None,
    last: Annotated[Date | None, Query(alias="to")] = None,
) -> Any:
    """List a driver's values: JSON by pages; CSV, NDJSON, Parquet and Arrow as one whole stream."""
    media = wanted(request, *TABLES)
    found = service.one(session, who.area.area, driver)
    which = Selection(item, location, first, last)
    if media != JSON:
        batches = fetch.batches(request.app.state.database, service.columns(found, which), SCHEMA)
        return stream(media, SCHEMA, batches)
    keys = [DriverValue.series_id, DriverValue.period]
    rows, following = page(session, service.values(found, which), keys, asked)
    return Page(items=[ValueOut.model_validate(row) for row in rows], next_cursor=following)
