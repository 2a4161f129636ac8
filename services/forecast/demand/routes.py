from typing import Annotated, Any

import pyarrow as pa
from fastapi import Query, Request, Response

from services.forecast.demand import service
from services.forecast.demand.schemas import DemandIn, DemandOut
from services.forecast.demand.tables import Demand
from services.forecast.selection import Selection
from shared import fetch
from shared.app import problems
from shared.app import router as strict_router
from shared.db import Read
from shared.export import AS_TABLE, stream
from shared.imports.kinds import Counts
from shared.imports.routes import RESPONSES, accepts
from shared.imports.schemas import ImportOut
from shared.imports.service import Received
from shared.media import JSON, TABLES, wanted
from shared.paging import Page, Paging, page
from shared.principal import Caller
from shared.schemas import Code, Date

SCHEMA = pa.schema(
    [
        ("item", pa.string()),
        ("location", pa.string()),
        ("period", pa.date32()),
        ("quantity", pa.float64()),
        ("in_stock", pa.bool_()),
    ]
)

router = strict_router(tags=["Demand"])


@router.post(
    "/demand",
    operation_id="post_demand",
    response_model=None,
    openapi_extra=accepts(DemandIn),
    responses=RESPONSES,
)
def post_demand(received: Received) -> Counts | ImportOut:
    """Store demand history; more than 1,000 rows become an import.

    A row replaces an earlier one of the same item, location and period. Periods without a row between an
    item-location's first row and a forecast's origin count as zero demand, since an ERP lists only what was sold.
    Rows with `in_stock` false are kept, and forecasts treat their demand as unknown.
    """
    return received.take(service.KIND)


@router.get("/demand", operation_id="list_demand", response_model=Page[DemandOut], responses=problems(406) | AS_TABLE)
def list_demand(
    request: Request,
    who: Caller,
    session: Read,
    asked: Paging,
    item: Code | None = None,
    location: Code | None = None,
    first: Annotated[Date | None, Query(alias="from")] = None,
    last: Annotated[Date | None, Query(alias="to")] = None,
) -> Any:
    """List demand history: JSON by pages; CSV, NDJSON, Parquet and Arrow as one whole stream."""
    media = wanted(request, *TABLES)
    which = Selection(item, location, first, last)
    if media != JSON:
        return _whole(request, media, who.area.area, which)
    keys = [Demand.series_id, Demand.period]
    rows, following = page(session, service.rows(who.area.area, which), keys, asked)
    return Page(items=[DemandOut.model_validate(row) for row in rows], next_cursor=following)


def _whole(request: Request, media: str, area: str, which: Selection) -> Response:
    batches = fetch.batches(request.app.state.database, service.columns(area, which), SCHEMA)
    return stream(media, SCHEMA, batches)
