from typing import Annotated

from fastapi import Query, Response

from services.forecast.external.schemas import ExternalValueIn
from services.forecast.external.service import KIND
from services.forecast.forecasts.schemas import ExternalName
from shared.app import router as strict_router
from shared.imports.kinds import Counts, Made
from shared.imports.routes import RESPONSES, accepts
from shared.imports.schemas import ImportOut
from shared.imports.service import Received
from shared.principal import Caller
from shared.schemas import Date

router = strict_router(tags=["Forecasts"])


@router.post(
    "/external-forecasts",
    operation_id="post_external_forecast",
    status_code=201,
    openapi_extra=accepts(ExternalValueIn),
    response_model=None,
    responses=RESPONSES
    | {
        200: {"model": Made, "description": "The newest forecast of this name and origin already is what came in."},
        201: {"model": Made, "description": "The forecast `made` is stored."},
    },
)
def post_external_forecast(
    received: Received,
    who: Caller,
    response: Response,
    name: ExternalName,
    origin: Annotated[Date | None, Query(description="By default the period before the first one.")] = None,
) -> Counts | ImportOut:
    """Store a forecast that was made elsewhere, to be planned on by its id and measured like ours.

    Each item-location has the same periods, one after the other. Where rows hold only a `mean`, quantiles are derived
    from how demand has spread around its level so far (docs/external-forecasts.md), and a warning says so. A plan on
    the `latest` forecast never rests on an external one. What is already stored as it came in changes nothing: 200.
    """
    told = received.take(KIND, name=name, **({} if origin is None else {"origin": origin.isoformat()}))
    if isinstance(told, Made):
        response.headers["Location"] = f"/v1/areas/{who.area.area}/forecasts/{told.made}"
        response.status_code = 201 if told.created else 200
    return told
