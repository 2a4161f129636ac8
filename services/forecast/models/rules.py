"""What an area asks of a version before it may become champion."""

from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.forecast.ledger.tables import TABLES
from services.forecast.models.schemas import PromotionRulesIn, PromotionRulesOut
from services.forecast.models.tables import PromotionRules
from shared import etag, ledger
from shared.principal import Principal

CHANGE = "promotion_rules"


def rules(session: Session, area: str) -> PromotionRulesOut:
    """The area's rules, at version 0 those that hold where nothing was said."""
    row = session.get(PromotionRules, area)
    return PromotionRulesOut(version=0) if row is None else PromotionRulesOut(**row.content, version=row.version)


def put(session: Session, who: Principal, version: int, wish: PromotionRulesIn) -> PromotionRulesOut:
    """Ask something else from now on; gates of versions that are trained keep what was asked then."""
    area = who.area.area
    session.execute(insert(PromotionRules).values(area=area, version=0, content={}).on_conflict_do_nothing())
    row = session.get_one(PromotionRules, area, with_for_update=True)
    etag.check(row.version, version)
    row.version, row.content = row.version + 1, wish.model_dump(mode="json")
    ledger.append(session, TABLES, who, CHANGE, "models/promotion-rules", facts(row))
    session.flush()
    return PromotionRulesOut(**row.content, version=row.version)


def facts(row: PromotionRules) -> dict[str, Any]:
    """What the ledger keeps of a version of the rules."""
    return row.content | {"version": row.version}
