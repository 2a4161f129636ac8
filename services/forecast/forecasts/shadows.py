"""The challenger's forecast of what the champion has forecast: a run of its own, in a queue that holds up no other."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.forecast.forecasts.tables import Forecast
from services.forecast.models import challengers
from services.forecast.models.tables import ModelVersion
from shared import jobs

SHADOWS = "shadows"


def start(session: Session, run: Forecast) -> Forecast | None:
    """Queue the shadow of a champion's run, once; of the same data and origin, as far as the challenger sees ahead."""
    rival = challengers.current(session, run.area)
    if rival is None or rival == run.model_version:
        return None
    mine = select(Forecast.id).where(
        Forecast.base == run.id, Forecast.stage == "shadow", Forecast.model_version == rival
    )
    if session.scalar(mine.limit(1)) is not None:
        return None
    model = session.get_one(ModelVersion, (run.area, rival))
    shadow = Forecast(
        area=run.area,
        stage="shadow",
        base=run.id,
        model_version=rival,
        origin=run.origin,
        horizon=min(run.horizon, model.horizon),
        seed=model.seed,
        input_digest=run.input_digest,
        requested_by=run.requested_by,
        request_id=run.request_id,
    )
    session.add(shadow)
    session.flush()
    jobs.defer(session, "forecast:forecast", queue=SHADOWS, run_id=str(shadow.id))
    return shadow
