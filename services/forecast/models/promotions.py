"""Which version is the champion: our own sequence of promotions, since MLflow's aliases cannot compare and set.

A rollback is a row of its own that restores the one before. Two promotions that saw the same champion write
the same sequence number, and one of them finds it taken.
"""

from pathlib import Path
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.forecast.ledger.tables import TABLES
from services.forecast.models import approvals, artifacts, versions
from services.forecast.models.schemas import PromotionIn
from services.forecast.models.tables import ModelVersion, Promotion, PromotionAction
from shared import etag, jobs, ledger
from shared.errors import Conflict, NotFound, StaleVersion
from shared.principal import Principal

REGISTRY = "registry"  # the queue of what waits for MLflow: nothing else waits behind it
NO_CHAMPION = "This area has no champion: train a model (POST training-runs), then promote it (POST models/promotions)."


class NoChampion(NotFound):
    slug, title = "no-champion", "No champion"


class ChampionNeeded(Conflict):
    slug, title = "no-champion", "No champion"


class FilesAway(Conflict):
    slug, title = "model-files-away", "The model's files are not at hand or damaged"


class NothingToRollBack(Conflict):
    slug, title = "nothing-to-roll-back", "No champion to return to"


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


def promote(session: Session, who: Principal, expected: int, wish: PromotionIn, cache: Path) -> Promotion:
    """Make a version the champion. StaleVersion where another promotion came first.

    Raises what `approvals.require` raises, and FilesAway where the files in `cache` are not those that were trained.
    """
    area = who.area.area
    before = newest(session, area)
    etag.check(before.sequence if before else 0, expected)
    version = versions.named(session, area, wish.version, "#/version")
    overridden = approvals.require(session, version, before.version if before else None)
    _require_files(version, cache)
    stated: dict[str, Any] = {"overridden": overridden, "returns_to": before.sequence if before else None}
    return _become(session, who, before, "promote", version=wish.version, reason=wish.reason, **stated)


def roll_back(session: Session, who: Principal, expected: int, reason: str, cache: Path) -> Promotion:
    """Return to the champion before the present one; again, to the one before that. Its gates were judged then."""
    area = who.area.area
    before = newest(session, area)
    etag.check(before.sequence if before else 0, expected)
    if before is None or before.returns_to is None:
        raise NothingToRollBack("There was no champion before this one.")
    target = session.get_one(Promotion, (area, before.returns_to))
    _require_files(session.get_one(ModelVersion, (area, target.version)), cache)
    stated: dict[str, Any] = {"overridden": [], "returns_to": target.returns_to}
    return _become(session, who, before, "rollback", version=target.version, reason=reason, **stated)


def _require_files(version: ModelVersion, cache: Path) -> None:
    if not artifacts.intact(cache, version):
        raise FilesAway(
            f"The files of version {version.version} are not at hand, or not those that were trained. A forecast with "
            'it (POST forecasts, "model") brings them from MLflow and checks them; the champion stays.'
        )


def _become(
    session: Session, who: Principal, before: Promotion | None, action: PromotionAction, **stated: Any
) -> Promotion:
    area = who.area.area
    new = insert(Promotion).values(
        area=area,
        sequence=before.sequence + 1 if before else 1,
        action=action,
        previous_version=before.version if before else None,
        promoted_by=who.actor,
        **stated,
    )
    promotion: Promotion | None = session.scalar(new.on_conflict_do_nothing().returning(Promotion))
    if promotion is None:
        raise StaleVersion("Another promotion came first: read the champion again and decide anew.")
    jobs.defer(session, "forecast:mirror_champion", lock=f"mirror {area}", queue=REGISTRY, area=area)
    ledger.append(session, TABLES, who, action, f"models/{promotion.version}", facts(promotion))
    return promotion


def facts(promotion: Promotion) -> dict[str, Any]:
    """What the ledger keeps of a promotion."""
    told = {name: getattr(promotion, name) for name in ("sequence", "version", "previous_version", "reason")}
    return told | ({"overridden": promotion.overridden} if promotion.overridden else {})
