from typing import Any

from fastapi import Request

from services.forecast.explanations import listing, service
from services.forecast.explanations.schemas import ExplainedValueOut, ExplanationOut
from services.forecast.explanations.service import Since
from services.forecast.forecasts import service as forecasts
from services.forecast.forecasts.schemas import ForecastName
from services.forecast.selection import Selection
from shared.app import problems
from shared.app import router as strict_router
from shared.db import Read
from shared.export import AS_TABLE, stream
from shared.media import JSON, TABLES, wanted
from shared.paging import Page, Paging, page
from shared.principal import Caller
from shared.schemas import Code

router = strict_router(tags=["Forecasts"])


@router.get("/forecasts/{forecast}/explanation", operation_id="explain_forecast", responses=problems(409, 410))
def explain_forecast(
    forecast: ForecastName,
    item: Code,
    location: Code,
    request: Request,
    who: Caller,
    since: Since | None = None,
) -> ExplanationOut:
    """Explain an item-location's forecast: what each family of drivers adds to its base, period by period.

    `since` names another forecast, or says `previous`: then `change` tells why the two differ where they overlap.
    """
    state = request.app.state
    with state.database.read() as session:  # it ends before the answer is waited for
        case = service.case(session, who.area.area, forecast, item, location, since)
    return service.explain(state.explaining, case)


@router.get(
    "/forecasts/{forecast}/explanations",
    operation_id="list_explanations",
    response_model=Page[ExplainedValueOut],
    responses=problems(406, 409) | AS_TABLE,
)
def list_explanations(
    forecast: ForecastName,
    request: Request,
    who: Caller,
    session: Read,
    asked: Paging,
    item: Code | None = None,
    location: Code | None = None,
) -> Any:
    """List the explanations of many item-locations, of a forecast asked for with `explain`.

    JSON by pages; CSV, NDJSON, Parquet and Arrow as one stream, a column per cause. Item-locations without history,
    whose forecast peers lent, have none.
    """
    media, which = wanted(request, *TABLES), Selection(item, location)
    run = forecasts.ready(session, who.area.area, forecast)
    listing.require(run)
    if media != JSON:
        return stream(media, listing.schema(run), listing.batches(request.app.state.database, run, which))
    rows, following = page(session, listing.cells(run, which), listing.CELL_KEYS, asked)
    return Page(items=[listing.value(run, row) for row in rows], next_cursor=following)
