"""Adjustments of the forecast: made, withdrawn, each in the ledger, and those that hold on a day."""

import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from services.forecast.adjustments.schemas import AdjustmentIn
from services.forecast.adjustments.tables import Adjustment
from services.forecast.items.tables import Item, Location
from services.forecast.ledger.tables import TABLES
from shared import ledger
from shared.errors import Conflict, NotFound, Unprocessable
from shared.ids import uuid7
from shared.principal import Principal

ADJUST, WITHDRAW = "adjust", "withdraw_adjustment"
SCOPE = {"item": Item.item, "category": Item.category, "location": Location.location, "region": Location.region}
FACTS = ("action", "value", *SCOPE, "first", "last", "reason_code", "note", "expires_on")
MOST = 1000  # that hold on a day


class Withdrawn(Conflict):
    slug, title = "adjustment-withdrawn", "Withdrawn already"


class TooManyAdjustments(Conflict):
    slug, title = "too-many-adjustments", "As many adjustments hold as there may be"


def adjustments(area: str, *, standing: bool | None = None) -> Select[Adjustment]:
    """An area's adjustments; `standing` tells those that were not withdrawn from those that were."""
    found = select(Adjustment).where(Adjustment.area == area)
    if standing is None:
        return found
    return found.where(Adjustment.withdrawn_at.is_(None) if standing else Adjustment.withdrawn_at.is_not(None))


def holding(area: str, today: datetime.date) -> Select[Adjustment]:
    """Those that a consensus forecast of today applies, in their order."""
    found = adjustments(area, standing=True).where(or_(Adjustment.expires_on.is_(None), Adjustment.expires_on >= today))
    return found.order_by(Adjustment.sequence)


def adjust(session: Session, who: Principal, wish: AdjustmentIn) -> Adjustment:
    """Record an adjustment. Unprocessable where it names what is not there."""
    area = who.area.area
    _known(session, area, wish)
    held = select(func.count()).select_from(holding(area, who.area.today()).subquery())
    if (session.scalar(held) or 0) >= MOST:
        raise TooManyAdjustments(f"At most {MOST} adjustments hold at a time: withdraw some first.")
    row = Adjustment(
        id=uuid7(),
        area=area,
        author=who.actor,
        **{name: getattr(wish, name) for name in FACTS},
    )
    row.sequence = ledger.append(session, TABLES, who, ADJUST, str(row.id), facts(row))
    session.add(row)
    session.flush()
    session.refresh(row)
    return row


def withdraw(session: Session, who: Principal, identifier: UUID) -> Adjustment:
    """Take an adjustment back; consensus forecasts that were made with it keep it."""
    row = session.scalar(adjustments(who.area.area).where(Adjustment.id == identifier).with_for_update())
    if row is None:
        raise NotFound("There is no such adjustment in this area.")
    if row.withdrawn_at is not None:
        raise Withdrawn(f"It was withdrawn on {row.withdrawn_at:%Y-%m-%d} by {row.withdrawn_by}.")
    ledger.append(session, TABLES, who, WITHDRAW, str(row.id), facts(row))
    row.withdrawn_by, row.withdrawn_at = who.actor, datetime.datetime.now(datetime.UTC)
    session.flush()
    return row


def facts(row: Adjustment) -> dict[str, Any]:
    """What the ledger keeps of an adjustment, and a consensus forecast of those that it applied."""
    told = {name: getattr(row, name) for name in FACTS}
    return {name: value.isoformat() if isinstance(value, datetime.date) else value for name, value in told.items()}


def _known(session: Session, area: str, wish: AdjustmentIn) -> None:
    errors = []
    for name, column in SCOPE.items():
        wanted = getattr(wish, name)
        if wanted is None:
            continue
        there = select(column).where(column.class_.area == area, _below(column, wanted))
        if session.scalar(there.limit(1)) is None:
            errors.append({"pointer": f"#/{name}", "detail": "is not known in this area"})
    if errors:
        raise Unprocessable("The adjustment names what is not there.", errors=errors)


def _below(column: Any, wanted: str) -> Any:
    """The value itself, of a category those below it too."""
    return (
        or_(column == wanted, column.startswith(f"{wanted}/", autoescape=True))
        if column.key == "category"
        else (column == wanted)
    )
