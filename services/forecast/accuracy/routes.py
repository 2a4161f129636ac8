from typing import Annotated
from uuid import UUID

from fastapi import Query

from services.forecast.accuracy import service
from services.forecast.accuracy.schemas import AccuracyOut, By
from services.forecast.accuracy.service import MOST_FORECASTS, Span
from shared.app import problems
from shared.app import router as strict_router
from shared.db import Read
from shared.principal import Caller
from shared.schemas import Date

_ID = "[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
Forecasts = Annotated[
    str,
    Query(pattern=f"^{_ID}(,{_ID}){{0,{MOST_FORECASTS - 1}}}$", description="Ids, separated by commas."),
]

router = strict_router(tags=["Forecasts"])


@router.get("/accuracy", operation_id="get_accuracy", responses=problems(409))
def get_accuracy(
    who: Caller,
    session: Read,
    by: By = "model",
    forecast: Forecasts | None = None,
    first: Annotated[Date | None, Query(alias="from")] = None,
    last: Annotated[Date | None, Query(alias="to")] = None,
    lag: Annotated[int | None, Query(ge=0, le=1000, description="Only the cells of this lag.")] = None,
    common: Annotated[bool, Query(description="Only the cells that every model in the answer has.")] = False,
) -> AccuracyOut:
    """Measure forecasts, ours and external ones alike, against the demand that has come since.

    Of `forecast` (by default all) and of the periods `from` to `to`, those are measured that are over and up to the
    area's last demand. A period without a row counts as zero demand from an item-location's first row on; out of stock
    is unknown. A cell is an item-location, a period and a lag: the number of periods from the forecast's origin.
    `value_added` tells what each stage of our models' forecasts adds, from naive to consensus. One call measures at
    most 100 forecasts and 1,000,000 cells.
    """
    names = [UUID(name) for name in forecast.split(",")] if forecast else []
    return service.measure(session, who.area, by, names, Span(first, last, lag), common=common)
