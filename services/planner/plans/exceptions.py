"""A plan's exceptions as they are shown: what will be late, ranked by the money at risk."""

from sqlalchemy import Select, and_, select

from services.planner.plans.money import money
from services.planner.plans.schemas import ExceptionOut
from services.planner.plans.tables import Plan, PlanException, PlanRow

KEYS = (PlanException.value, PlanException.item, PlanException.location)
OF_ROW = and_(
    PlanException.plan_id == PlanRow.origin,
    PlanException.item == PlanRow.item,
    PlanException.location == PlanRow.location,
)


def of_plan(run: Plan) -> Select[PlanException]:
    """One row per item-location."""
    return select(PlanException).join(PlanRow, OF_ROW).where(PlanRow.plan_id == run.id)


def out(row: PlanException) -> ExceptionOut:
    return ExceptionOut(
        item=row.item,
        location=row.location,
        period=row.period,
        expected_shortage=row.quantity,
        value_at_risk=money(row.value),
        cause=row.cause,
    )
