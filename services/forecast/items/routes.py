from typing import Any

import pyarrow as pa
from fastapi import Request, Response

from services.forecast.items import service
from services.forecast.items.schemas import ItemIn, ItemOut, LocationIn, LocationOut
from services.forecast.items.tables import Item, Location
from shared import fetch
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
from shared.schemas import Code, Label

SCHEMA = pa.schema(
    {
        "item": pa.string(),
        "description": pa.string(),
        "category": pa.string(),
        "uom": pa.string(),
        "unit_cost": pa.float64(),
        "unit_price": pa.float64(),
        "shelf_life_days": pa.int64(),
    }
)

router = strict_router(tags=["Master data"])


@router.put("/items", operation_id="put_items", response_model=None, openapi_extra=accepts(ItemIn), responses=RESPONSES)
def put_items(received: Received) -> Counts | ImportOut:
    """Create or replace items by their code; more than 1,000 become an import."""
    return received.take(service.ITEMS)


@router.get("/items", operation_id="list_items", response_model=Page[ItemOut], responses=problems(406) | AS_TABLE)
def list_items(
    request: Request,
    who: Caller,
    session: Read,
    asked: Paging,
    item: Code | None = None,
    category: Label | None = None,
) -> Any:
    """List items, by code: JSON by pages; CSV, NDJSON, Parquet and Arrow as one whole stream."""
    media = wanted(request, *TABLES)
    if media != JSON:
        columns = service.item_columns(who.area.area, item, category)
        return stream(media, SCHEMA, fetch.batches(request.app.state.database, columns, SCHEMA))
    rows, following = page(session, service.items(who.area.area, item, category), [Item.item], asked)
    return Page(items=[ItemOut.model_validate(row) for row in rows], next_cursor=following)


@router.delete("/items", operation_id="delete_item", status_code=204, responses=problems(409))
def delete_item(who: Caller, session: Write, item: Code) -> Response:
    """Remove an item that nothing refers to."""
    service.delete_item(session, who.area.area, item)
    return Response(status_code=204)


@router.put(
    "/locations",
    operation_id="put_locations",
    response_model=None,
    openapi_extra=accepts(LocationIn),
    responses=RESPONSES,
)
def put_locations(received: Received) -> Counts | ImportOut:
    """Create or replace locations by their code; more than 1,000 become an import."""
    return received.take(service.LOCATIONS)


@router.get("/locations", operation_id="list_locations", responses=problems())
def list_locations(
    who: Caller, session: Read, asked: Paging, location: Code | None = None, region: Label | None = None
) -> Page[LocationOut]:
    """List locations, by code."""
    rows, following = page(session, service.locations(who.area.area, location, region), [Location.location], asked)
    return Page(items=[LocationOut.model_validate(row) for row in rows], next_cursor=following)


@router.delete("/locations", operation_id="delete_location", status_code=204, responses=problems(409))
def delete_location(who: Caller, session: Write, location: Code) -> Response:
    """Remove a location that nothing refers to."""
    service.delete_location(session, who.area.area, location)
    return Response(status_code=204)
