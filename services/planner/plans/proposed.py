"""What a plan recommends, whichever plan it has it from: decided on or not, and also where it is only supposed."""

from uuid import UUID

from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import Session

from services.planner.plans.tables import Plan, PlanRow
from services.planner.recommendations.schemas import Content
from services.planner.recommendations.tables import Recommendation

KEYS = (Recommendation.net_benefit, Recommendation.id)
OF_ROW = and_(
    Recommendation.plan_id == PlanRow.origin,
    Recommendation.item == PlanRow.item,
    Recommendation.location == PlanRow.location,
)


def of(plan: UUID) -> Select[Recommendation]:
    return select(Recommendation).join(PlanRow, OF_ROW).where(PlanRow.plan_id == plan)


def out(row: Recommendation) -> Content:
    return Content(**row.content)


def counts(session: Session, run: Plan) -> tuple[int, int]:
    """How many data fixes and how many orders a plan recommends."""
    kind = Recommendation.type == "data_fix"
    found = select(kind, func.count()).join(PlanRow, OF_ROW).where(PlanRow.plan_id == run.id).group_by(kind)
    counted = {is_fix: count for is_fix, count in session.execute(found)}  # noqa: C416  of rows, which are no pairs
    return counted.get(True, 0), counted.get(False, 0)
