from typing import Annotated

from fastapi import Query

from services.forecast.monitoring import service
from services.forecast.monitoring.schemas import DriftOut, Segment
from shared.app import problems
from shared.app import router as strict_router
from shared.db import Read
from shared.principal import Caller
from shared.schemas import Code

router = strict_router(tags=["Models"])


@router.get("/drift", operation_id="get_drift", responses=problems())
def get_drift(
    who: Caller,
    session: Read,
    model: Annotated[Code | None, Query(description="A version, or the name of an external forecast.")] = None,
    segment: Segment | None = None,
) -> DriftOut:
    """Show whether published forecasts still do as well as in their backtests, and whether their inputs still come.

    Computed anew when demand or forecasts have come and then stayed as they are for five minutes. Every alarm that is
    new is told as an event, `drift.alarm`.
    """
    return service.drift(session, who.area, model, segment)
