from fastapi import Request

from services.forecast.explanations import service
from services.forecast.explanations.schemas import ExplanationOut
from services.forecast.explanations.service import Since
from services.forecast.forecasts.schemas import ForecastName
from shared.app import problems
from shared.app import router as strict_router
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
