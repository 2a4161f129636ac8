"""Policies for orders that need nobody, and what they did."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import Session

from services.planner.automation import rules
from services.planner.automation.rules import Named
from services.planner.automation.schemas import AutomationIn, AutomationOut, PolicyIn, PolicyOut
from services.planner.recommendations.decisions import COMMITTED, RELEASED, Status
from services.planner.recommendations.tables import Recommendation, RecommendationState
from services.planner.reference import service as reference
from shared import etag
from shared.errors import NotFound
from shared.principal import Principal

AUTOMATION, POLICY = "automation", "auto_accept_policy"
SETTINGS = "automation"
DECIDED: tuple[Status, ...] = (*COMMITTED, *RELEASED, "rejected")
AS_IT_WAS = and_(
    RecommendationState.status.in_([status for status in DECIDED if status != "rejected"]),
    RecommendationState.quantity == Recommendation.content["order"]["quantity"].as_float(),
    RecommendationState.reason_code.is_(None),
)


def automation(session: Session, who: Principal) -> AutomationOut:
    for row in reference.rows(session, who, AUTOMATION):
        return AutomationOut.model_validate(row.content | {"version": row.version})
    return AutomationOut(version=0)


def put_automation(session: Session, who: Principal, version: int, wish: AutomationIn) -> AutomationOut:
    row = reference.lock(session, who, AUTOMATION, SETTINGS)
    etag.check(row.version, version)
    reference.change(session, who, row, wish.model_dump(mode="json"))
    return AutomationOut.model_validate(row.content | {"version": row.version})


def policies(session: Session, who: Principal) -> list[Named]:
    """All policies of the area, in the order in which they are asked."""
    found = (_named(row) for row in reference.rows(session, who, POLICY))
    return list(rules.ranked(found))


def put_policy(session: Session, who: Principal, name: str, version: int, wish: PolicyIn) -> PolicyOut:
    row = reference.lock(session, who, POLICY, name)
    etag.check(row.version, version)
    reference.change(session, who, row, wish.model_dump(mode="json"))
    return shown(session, who, [_named(row)])[0]


def one(session: Session, who: Principal, name: str) -> Named:
    found = next((named for named in policies(session, who) if named.name == name), None)
    if found is None:
        raise NotFound("There is no such policy in this area.")
    return found


def shown(session: Session, who: Principal, wanted: Sequence[Named]) -> list[PolicyOut]:
    """Policies with what they did and how people saw their samples."""
    row = Recommendation
    sampled: ColumnElement[bool] = row.content["policy"]["sampled"].as_boolean()
    counted = of_area(who).with_only_columns(
        row.policy,
        func.count().filter(row.route == "auto"),
        func.count().filter(sampled, RecommendationState.status.in_(DECIDED)),
        func.count().filter(sampled, AS_IT_WAS),
    )
    counted = counted.where(row.area == who.area.area, row.policy.in_([named.name for named in wanted]))
    counts = {name: rest for name, *rest in session.execute(counted.group_by(row.policy))}
    return [_out(named, *counts.get(named.name, (0, 0, 0))) for named in wanted]


def _out(named: Named, automated: int, reviewed: int, accepted: int) -> PolicyOut:
    precision = rules.precision(accepted, reviewed)
    facts = {"policy": named.name, "version": named.version, "automated": automated, "precision": precision}
    return PolicyOut.model_validate(named.policy.model_dump() | facts)


def of_area(who: Principal) -> Select[Recommendation]:
    return select(Recommendation).join(Recommendation.state).where(RecommendationState.area == who.area.area)


def _named(row: Any) -> Named:
    return Named(row.key, row.version, PolicyIn.model_validate(row.content))
