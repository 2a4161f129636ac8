"""Which version is the champion: our own sequence of promotions, since MLflow's aliases cannot compare and set.

Two promotions that saw the same champion write the same sequence number, and one of them finds it taken.
"""

from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.forecast.ledger.tables import TABLES
from services.forecast.models import versions
from services.forecast.models.schemas import PromotionIn
from services.forecast.models.tables import ModelVersion, Promotion
from shared import etag, jobs, ledger
from shared.errors import Conflict, NotFound, StaleVersion
from shared.principal import Principal

NO_CHAMPION = "This area has no champion: train a model (POST training-runs), then promote it (POST models/promotions)."


class NoChampion(NotFound):
    slug, title = "no-champion", "No champion"


class ChampionNeeded(Conflict):
    slug, title = "no-champion", "No champion"


def promotions(area: str) -> Select[Promotion]:
    return select(Promotion).where(Promotion.area == area)


def newest(session: Session, area: str) -> Promotion | None:
    return session.scalar(promotions(area).order_by(Promotion.sequence.desc()).limit(1))


def current(session: Session, area: str) -> int:
    """The version of the area's promotions: the newest sequence number, 0 before the first."""
    promotion = newest(session, area)
    return promotion.sequence if promotion else 0


def champion(session: Session, area: str) -> tuple[Promotion, ModelVersion]:
    """The newest promotion and its model; NoChampion before the first."""
    promotion = newest(session, area)
    if promotion is None:
        raise NoChampion(NO_CHAMPION, headers={"ETag": etag.of(0)})
    return promotion, session.get_one(ModelVersion, (area, promotion.version))


def promote(session: Session, who: Principal, expected: int, wish: PromotionIn) -> Promotion:
    """Make a version the champion. StaleVersion where another promotion came first."""
    area = who.area.area
    before = newest(session, area)
    etag.check(before.sequence if before else 0, expected)
    versions.named(session, area, wish.version, "#/version")
    new = insert(Promotion).values(
        area=area,
        sequence=expected + 1,
        version=wish.version,
        previous_version=before.version if before else None,
        reason=wish.reason,
        promoted_by=who.actor,
    )
    promotion: Promotion | None = session.scalar(new.on_conflict_do_nothing().returning(Promotion))
    if promotion is None:
        raise StaleVersion("Another promotion came first: read the champion again and decide anew.")
    jobs.defer(session, "forecast:mirror_champion", lock=f"mirror {area}", area=area)
    ledger.append(session, TABLES, who, "promote", f"models/{wish.version}", facts(promotion))
    return promotion


def facts(promotion: Promotion) -> dict[str, int | str | None]:
    """What the ledger keeps of a promotion."""
    return {
        "sequence": promotion.sequence,
        "version": promotion.version,
        "previous_version": promotion.previous_version,
        "reason": promotion.reason,
    }
