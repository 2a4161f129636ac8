"""After each of the champion's forecasts: the challenger's of the same, and what has come since the last one."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from services.forecast.forecasts import shadows
from services.forecast.forecasts.tables import Forecast
from services.forecast.models import promotions
from services.forecast.models.tables import ModelVersion, Promotion
from services.forecast.reviews import filing, verdicts
from services.forecast.rivals.pairs import rivals
from services.forecast.rivals.rounds import close, rounds
from shared.db import Database

ALONE = text("SELECT pg_advisory_xact_lock(hashtext('rivals'), hashtext(:area))")


def hold(database: Database, forecast: UUID) -> None:
    """Nothing of it is the forecast's own business: it has succeeded, and stays as it is whatever happens here."""
    with database.write() as session:
        run = session.get(Forecast, forecast)
        promotion = promotions.newest(session, run.area) if run else None
        if run is None or promotion is None or run.model_version != promotion.version:
            return
        shadows.start(session, run)
    with database.write() as session:
        session.execute(ALONE, {"area": run.area})
        _judge(session, run, promotion)


def _judge(session: Session, run: Forecast, promotion: Promotion) -> None:
    """Demand counts as known up to the run's origin."""
    champion = session.get_one(ModelVersion, (run.area, promotion.version))
    found = rivals(session, run.area)
    for rival in found:
        if run.origin is not None:
            close(session, champion, rival, run.origin)
    session.flush()
    told = [(rival, session.scalars(rounds(run.area, champion.version, rival)).all()) for rival in found]
    filing.queue(session, run.area, verdicts.recommended(champion, _before(session, promotion), told))


def _before(session: Session, promotion: Promotion) -> int | None:
    """The version that a rollback returns to."""
    if promotion.returns_to is None:
        return None
    return session.get_one(Promotion, (promotion.area, promotion.returns_to)).version
