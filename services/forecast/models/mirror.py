"""MLflow's aliases follow our newest promotion and challenger; one that somebody moved is told of and put back."""

import logging

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from services.forecast.models import challengers, promotions
from services.forecast.models.registry import CHALLENGER, CHAMPION, Registry
from services.forecast.models.tables import Promotion
from services.forecast.settings import Settings
from shared import outbox
from shared.db import Database
from shared.errors import Problem, Unavailable
from shared.outbox import Happening

DIVERGED = "models.registry_diverged"
ALONE = text("SELECT pg_advisory_xact_lock(hashtext('mirror'), hashtext(:area))")
log = logging.getLogger(__name__)


def mirror(database: Database, settings: Settings, area: str) -> None:
    """Point the aliases at champion and challenger, one worker at a time. Running it again does no harm.

    Raises Unavailable where MLflow is away; the job then tries again.
    """
    with database.write() as session:
        session.execute(ALONE, {"area": area})
        newest = promotions.newest(session, area)
        if newest is None:
            return
        registry = Registry(settings)
        pointed = registry.pointed(area, CHAMPION)
        if pointed not in _expected(session, newest):
            _tell(session, newest, pointed)
        if pointed != newest.version:
            registry.point(area, CHAMPION, newest.version)
        newest.mirrored_at = newest.mirrored_at or func.now()
        _mirror_challenger(session, registry, area)


def _mirror_challenger(session: Session, registry: Registry, area: str) -> None:
    """Until the alias has followed once it may be where the challenger before, or nobody, has left it."""
    newest = challengers.newest(session, area)
    if newest is None:
        return
    pointed = registry.pointed(area, CHALLENGER)
    if pointed != newest.version:
        if newest.mirrored_at is not None:
            log.warning("somebody moved the challenger's alias of %s to %s", area, pointed)
            facts = {"alias": CHALLENGER, "found": pointed, "challenger": newest.version}
            outbox.note(session, area, [Happening(DIVERGED, "models/challenger", facts)])
        registry.point(area, CHALLENGER, newest.version)
    newest.mirrored_at = newest.mirrored_at or func.now()


def mirror_all(database: Database, settings: Settings) -> None:
    """Look after the alias of every area that has a champion, until MLflow is away: the next round comes soon."""
    with database.read() as session:
        areas = session.scalars(select(Promotion.area).distinct().order_by(Promotion.area)).all()
    for area in areas:
        try:
            mirror(database, settings, area)
        except Unavailable:
            return
        except Problem as problem:
            log.warning("the alias of %s cannot follow: %s", area, problem.detail)


def _expected(session: Session, newest: Promotion) -> set[int | None]:
    """Where our own hand may have left the alias: at the last promotion that it followed, or at a later one."""
    mine = promotions.promotions(newest.area)
    followed = session.scalar(
        mine.where(Promotion.mirrored_at.is_not(None)).order_by(Promotion.sequence.desc()).limit(1)
    )
    if followed is None:
        return {None, *(row.version for row in session.scalars(mine))}
    return {row.version for row in session.scalars(mine.where(Promotion.sequence >= followed.sequence))}


def _tell(session: Session, newest: Promotion, pointed: int | None) -> None:
    log.warning("somebody moved the alias of %s to %s; %s is champion", newest.area, pointed, newest.version)
    newest.diverged_at, newest.diverged_to = func.now(), pointed
    facts = {"found": pointed, "champion": newest.version, "sequence": newest.sequence}
    outbox.note(session, newest.area, [Happening(DIVERGED, f"models/{newest.version}", facts)])
