"""Which version is the challenger: it forecasts what the champion forecasts, and is measured by the same demand.

Like promotions a sequence of rows of our own, of which the newest counts; MLflow's alias `challenger` follows.
"""

from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.forecast.ledger.tables import TABLES
from services.forecast.models import approvals, promotions, versions
from services.forecast.models.promotions import REGISTRY, ChampionNeeded
from services.forecast.models.schemas import ChallengerIn
from services.forecast.models.tables import Challenger
from shared import etag, jobs, ledger
from shared.errors import Conflict, StaleVersion
from shared.principal import Principal

CHALLENGE = "challenge"


class ChampionAlready(Conflict):
    slug, title = "champion-already", "The version is the champion"


def challengers(area: str) -> Select[Challenger]:
    return select(Challenger).where(Challenger.area == area)


def newest(session: Session, area: str) -> Challenger | None:
    return session.scalar(challengers(area).order_by(Challenger.sequence.desc()).limit(1))


def current(session: Session, area: str) -> int | None:
    """The version that challenges today; None where none does, or it has become the champion."""
    row, promotion = newest(session, area), promotions.newest(session, area)
    if row is None or promotion is None or row.version == promotion.version:
        return None
    return row.version


def mark(session: Session, who: Principal, expected: int, wish: ChallengerIn) -> Challenger:
    """Make a version the challenger, or none. StaleVersion, ChampionNeeded, UnknownVersion, ChampionAlready.

    Also what `approvals.require_runnable` raises: gates may fail, since it is not served, but it must be able to run.
    """
    area = who.area.area
    before = newest(session, area)
    etag.check(before.sequence if before else 0, expected)
    if wish.version is not None:
        _require(session, area, wish.version)
    new = insert(Challenger).values(
        area=area,
        sequence=before.sequence + 1 if before else 1,
        version=wish.version,
        reason=wish.reason,
        marked_by=who.actor,
    )
    row: Challenger | None = session.scalar(new.on_conflict_do_nothing().returning(Challenger))
    if row is None:
        raise StaleVersion("Somebody else came first: read the challenger again and decide anew.")
    jobs.defer(session, "forecast:mirror_champion", lock=f"mirror {area}", queue=REGISTRY, area=area)
    ledger.append(session, TABLES, who, CHALLENGE, "models/challenger", facts(row))
    return row


def _require(session: Session, area: str, number: int) -> None:
    champion = promotions.newest(session, area)
    if champion is None:
        raise ChampionNeeded(promotions.NO_CHAMPION)
    version = versions.named(session, area, number, "#/version")
    if champion.version == number:
        raise ChampionAlready(f"Version {number} is the champion: it has nobody to challenge but itself.")
    approvals.require_runnable(session, version)


def facts(row: Challenger) -> dict[str, Any]:
    """What the ledger keeps of it."""
    return {name: getattr(row, name) for name in ("sequence", "version", "reason")}
