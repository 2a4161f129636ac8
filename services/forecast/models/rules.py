"""What an area asks of a version before it may become champion, and when it trains a challenger by itself."""

from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.forecast.ledger.tables import TABLES
from services.forecast.models.schemas import (
    PromotionRulesIn,
    PromotionRulesOut,
    TrainingScheduleIn,
    TrainingScheduleOut,
)
from services.forecast.models.tables import PromotionRules, TrainingSchedule
from shared import etag, ledger
from shared.principal import Principal

SUBJECTS: dict[type[PromotionRules] | type[TrainingSchedule], str] = {
    PromotionRules: "models/promotion-rules",
    TrainingSchedule: "training-schedule",
}


def rules(session: Session, area: str) -> PromotionRulesOut:
    """The area's rules, at version 0 those that hold where nothing was said."""
    row = session.get(PromotionRules, area)
    return PromotionRulesOut(version=0) if row is None else PromotionRulesOut(**row.content, version=row.version)


def put(session: Session, who: Principal, version: int, wish: PromotionRulesIn) -> PromotionRulesOut:
    """Ask something else from now on; gates of versions that are trained keep what was asked then."""
    return PromotionRulesOut(**wish.model_dump(), version=_say(session, who, PromotionRules, version, wish))


def schedule(session: Session, area: str) -> TrainingScheduleOut:
    """When the area trains by itself, at version 0 never."""
    row = session.get(TrainingSchedule, area)
    return TrainingScheduleOut(version=0) if row is None else TrainingScheduleOut(**row.content, version=row.version)


def put_schedule(session: Session, who: Principal, version: int, wish: TrainingScheduleIn) -> TrainingScheduleOut:
    """Train at other times from now on."""
    return TrainingScheduleOut(**wish.model_dump(), version=_say(session, who, TrainingSchedule, version, wish))


def _say[T: (PromotionRules, TrainingSchedule)](
    session: Session,
    who: Principal,
    table: type[T],
    version: int,
    wish: PromotionRulesIn | TrainingScheduleIn,
) -> int:
    """Store what is said from now on, and in the ledger; its version."""
    area = who.area.area
    session.execute(insert(table).values(area=area, version=0, content={}).on_conflict_do_nothing())
    row = session.get_one(table, area, with_for_update=True)
    etag.check(row.version, version)
    row.version, row.content = row.version + 1, wish.model_dump(mode="json")
    ledger.append(session, TABLES, who, row.__tablename__, SUBJECTS[table], facts(row))
    session.flush()
    return row.version


def facts(row: PromotionRules | TrainingSchedule) -> dict[str, Any]:
    """What the ledger keeps of a version of what was said."""
    return row.content | {"version": row.version}
