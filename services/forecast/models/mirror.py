"""The job that lets MLflow's alias `champion` follow our newest promotion."""

from sqlalchemy import func, update

from services.forecast.models import promotions
from services.forecast.models.registry import Registry
from services.forecast.models.tables import Promotion
from services.forecast.settings import Settings
from shared.db import Database


def mirror(database: Database, settings: Settings, area: str) -> None:
    """Point the alias at the champion. Running it again, or for a promotion that is no longer the newest, does no harm.

    Raises Unavailable where MLflow is away; the job then tries again.
    """
    with database.read() as session:
        newest = promotions.newest(session, area)
    if newest is None:
        return
    Registry(settings).point(area, newest.version)
    mine = (Promotion.area == area, Promotion.sequence == newest.sequence)
    with database.write() as session:
        session.execute(update(Promotion).where(*mine).values(mirrored_at=func.now()))
