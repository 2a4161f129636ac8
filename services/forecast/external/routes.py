from typing import Annotated

from fastapi import Query, Response

from services.forecast.external import service
from services.forecast.external.schemas import ExternalForecastOut, ExternalValueIn
from services.forecast.forecasts.schemas import ExternalName
from shared.app import problems
from shared.app import router as strict_router
from shared.db import Write
from shared.principal import Caller
from shared.schemas import Date
from shared.tabular import Table, accepts

router = strict_router(tags=["Forecasts"])


@router.post(
    "/external-forecasts",
    operation_id="post_external_forecast",
    status_code=201,
    openapi_extra=accepts(ExternalValueIn),
    responses=problems(400, 413, 415) | {200: {"model": ExternalForecastOut, "description": "Nothing changed"}},
)
def post_external_forecast(
    rows: Table,
    who: Caller,
    session: Write,
    response: Response,
    name: ExternalName,
    origin: Annotated[Date | None, Query(description="By default the period before the first one.")] = None,
) -> ExternalForecastOut:
    """Store a forecast that was made elsewhere, to be planned on by its id and measured like ours.

    Each item-location has the same periods, one after the other. Where rows hold only a `mean`, quantiles are derived
    from how demand has spread around its level so far (docs/external-forecasts.md), and a warning says so. A plan on
    the `latest` forecast never rests on an external one. What is already stored as it came in changes nothing: 200.
    """
    run, unchanged = service.put(session, who, name, origin, rows.read(ExternalValueIn))
    response.headers["Location"] = f"/v1/areas/{run.area}/forecasts/{run.id}"
    response.status_code = 200 if unchanged else 201
    return ExternalForecastOut.told(run, unchanged=unchanged)
