"""What a plan recommends, whichever plan it has it from: decided on or not, and also where it is only supposed."""

from uuid import UUID

from sqlalchemy import Select, and_, func, select, union_all
from sqlalchemy.orm import Session

from services.planner.plans.tables import Plan, PlanRow
from services.planner.recommendations.content import IS_ORDER
from services.planner.recommendations.content_schemas import Content
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
    fixes = func.count().filter(Recommendation.type == "data_fix")
    found = select(fixes, func.count().filter(IS_ORDER)).join(PlanRow, OF_ROW).where(PlanRow.plan_id == run.id)
    fixes_found, orders = session.execute(found.select_from(Recommendation)).one()
    return fixes_found, orders
