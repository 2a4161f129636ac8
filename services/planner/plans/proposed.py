"""What a plan recommends, whichever plan it has it from: decided on or not, and also where it is only supposed."""

from uuid import UUID

from sqlalchemy import Select, and_, func, select, union_all
from sqlalchemy.orm import Session

from services.planner.plans.tables import Plan, PlanRow
from services.planner.recommendations.schemas import ORDERS, Content
from services.planner.recommendations.tables import Recommendation

KEYS = (Recommendation.net_benefit, Recommendation.id)
OF_ROW = and_(
    Recommendation.plan_id == PlanRow.origin,
    Recommendation.item == PlanRow.item,
    Recommendation.location == PlanRow.location,
)


def of(plan: UUID) -> Select[Recommendation]:
    """Of its item-locations, from whichever plan they are, and about resources, from this plan alone."""
    named = select(Recommendation.id).join(PlanRow, OF_ROW).where(PlanRow.plan_id == plan)
    unnamed = select(Recommendation.id).where(Recommendation.plan_id == plan, Recommendation.item.is_(None))
    return select(Recommendation).where(Recommendation.id.in_(union_all(named, unnamed)))


def out(row: Recommendation) -> Content:
    return Content(**row.content)


def counts(session: Session, run: Plan) -> tuple[int, int]:
    """How many data fixes and how many orders a plan recommends."""
    kind = Recommendation.type
    found = select(kind, func.count()).join(PlanRow, OF_ROW).where(PlanRow.plan_id == run.id).group_by(kind)
    counted = {name: count for name, count in session.execute(found)}  # noqa: C416  of rows, which are no pairs
    return counted.get("data_fix", 0), sum(counted.get(name, 0) for name in ORDERS)
