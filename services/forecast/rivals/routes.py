from typing import Annotated

from fastapi import Query

from services.forecast.accuracy.service import Span
from services.forecast.rivals import service
from services.forecast.rivals.schemas import ModelComparisonOut
from shared.app import problems
from shared.app import router as strict_router
from shared.db import Read
from shared.principal import Caller
from shared.schemas import Code, Date

router = strict_router(tags=["Models"])


@router.get("/models/comparison", operation_id="compare_models", responses=problems(409))
def compare_models(
    who: Caller,
    session: Read,
    rival: Annotated[Code | None, Query(description="A version, `seasonal_naive`, or an external name.")] = None,
    first: Annotated[Date | None, Query(alias="from")] = None,
    last: Annotated[Date | None, Query(alias="to")] = None,
    lag: Annotated[int | None, Query(ge=1, le=1000, description="Only the cells of this lag.")] = None,
) -> ModelComparisonOut:
    """Hold the champion against its challenger, seasonal naive and external forecasts, on demand that has come since.

    Compared are forecasts of the same origin on the item-locations, periods and lags that both have. What one of them
    could have known is left out: periods up to the end of a version's training data, and those with demand when an
    external forecast came in. The `test` is of all rounds so far, whatever is asked for.
    """
    return service.compare(session, who.area, rival, Span(first, last, lag))
