"""What the area's base is: a stack of promoted scenarios, each as it was, and every change of it.

Two changes that saw the same base write the same sequence number, and one of them finds it taken.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.planner.ledger.tables import TABLES
from services.planner.scenarios import service
from services.planner.scenarios.schemas import BaseOut, ScenarioPromotionIn, TakeBackIn
from services.planner.scenarios.tables import ScenarioPromotion
from shared import etag, ledger
from shared.errors import Conflict, StaleVersion
from shared.principal import Principal

type Stack = Sequence[dict[str, Any]]


class AlreadyPromoted(Conflict):
    slug, title = "already-promoted", "The scenario is in the base already"


class NothingPromoted(Conflict):
    slug, title = "nothing-promoted", "No scenario is in the base"


def newest(session: Session, area: str) -> ScenarioPromotion | None:
    made = select(ScenarioPromotion).where(ScenarioPromotion.area == area)
    return session.scalar(made.order_by(ScenarioPromotion.sequence.desc()).limit(1))


def base(session: Session, area: str) -> Stack:
    """The scenarios in the area's base, oldest first."""
    last = newest(session, area)
    return last.stack if last else []


def deltas(stack: Stack) -> list[dict[str, Any]]:
    """Those of all scenarios in a base, in the order in which they are applied."""
    return [delta for promoted in stack for delta in promoted["deltas"]]


def holds(stack: Stack, scenario: str) -> bool:
    return any(promoted["scenario"] == scenario for promoted in stack)


def show(session: Session, area: str) -> BaseOut:
    last = newest(session, area)
    names = ("action", "scenario", "reason", "promoted_by", "promoted_at")
    told = {name: getattr(last, name) if last else None for name in names}
    return BaseOut(sequence=last.sequence if last else 0, stack=last.stack if last else [], **told)


def promote(session: Session, who: Principal, expected: int, name: str, wish: ScenarioPromotionIn) -> BaseOut:
    """Put a scenario on top of the area's base. StaleVersion where the base or the scenario has changed since."""
    stack = _expected(session, who, expected)
    scenario = service.one(session, who.area.area, name)
    if holds(stack, name):
        raise AlreadyPromoted("Take it back before you promote another version of it.")
    etag.check(scenario.version, wish.version)
    promoted = {"scenario": name, "version": scenario.version, "deltas": scenario.deltas}
    return _record(session, who, "promote", expected, [*stack, promoted], promoted, wish.reason)


def take_back(session: Session, who: Principal, expected: int, wish: TakeBackIn) -> BaseOut:
    """Take the scenario that was promoted last out of the area's base."""
    stack = _expected(session, who, expected)
    if not stack:
        raise NothingPromoted("The base is the data alone.")
    return _record(session, who, "take_back", expected, stack[:-1], stack[-1], wish.reason)


def _expected(session: Session, who: Principal, expected: int) -> Stack:
    last = newest(session, who.area.area)
    etag.check(last.sequence if last else 0, expected)
    return last.stack if last else []


def _record(
    session: Session, who: Principal, action: str, expected: int, stack: Stack, moved: dict[str, Any], reason: str
) -> BaseOut:
    facts = {"scenario": moved["scenario"], "scenario_version": moved["version"], "reason": reason}
    values = {"area": who.area.area, "sequence": expected + 1, "action": action, "stack": list(stack)}
    new = insert(ScenarioPromotion).values(**values, **facts, promoted_by=who.actor).on_conflict_do_nothing()
    if session.scalar(new.returning(ScenarioPromotion.sequence)) is None:
        raise StaleVersion("Another change of the base came first: read it again and decide anew.")
    body = facts | {"sequence": expected + 1, "deltas": moved["deltas"], "stack": [one["scenario"] for one in stack]}
    ledger.append(session, TABLES, who, f"{action}_scenario", f"scenarios/{moved['scenario']}", body)
    return show(session, who.area.area)
