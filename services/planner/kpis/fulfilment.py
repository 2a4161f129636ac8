"""How customers' orders were served, and how full the resources are."""

import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from services.planner.kpis.schemas import CycleTimeOut, OtifOut, UtilisationOut
from services.planner.plans.tables import Plan, PlanResource
from services.planner.supply.tables import OpenOrder

SLACK = 1 - 1e-9  # of the quantity: less is missing by rounding
DIGITS = 3


def otif(session: Session, area: str, since: datetime.date, until: datetime.date) -> OtifOut:
    """Of the lines that customers asked for from `since` on and before `until`."""
    row = OpenOrder
    kept = func.count().filter(_whole(), row.shipped <= row.due)
    asked = select(func.count(), kept).where(row.area == area, row.due >= since, row.due < until)
    lines, in_full = session.execute(asked).one()
    return OtifOut(share=round(in_full / lines, DIGITS) if lines else None, lines=lines)


def cycle_time(session: Session, area: str, since: datetime.date, until: datetime.date) -> CycleTimeOut:
    """Of the lines whose last shipment left from `since` on and before `until`."""
    row = OpenOrder
    done = select(func.count(), func.avg(row.shipped - row.ordered)).where(row.area == area, _whole())
    left = done.where(row.ordered.is_not(None), row.shipped >= since, row.shipped < until)
    lines, days = session.execute(left).one()
    return CycleTimeOut(days=None if days is None else round(float(days), DIGITS), lines=lines)


def _whole() -> ColumnElement[bool]:
    return OpenOrder.shipped_quantity >= OpenOrder.quantity * SLACK


def utilisation(session: Session, run: Plan) -> UtilisationOut | None:
    """Of the plan's resources that have hours; None where it has none."""
    row = PlanResource
    sums = select(func.sum(row.load), func.sum(row.available), func.max(row.load / row.available))
    load, available, peak = session.execute(sums.where(row.plan_id == run.id, row.available > 0)).one()
    if available is None:
        return None
    return UtilisationOut(mean=round(load / available, DIGITS), peak=round(peak, DIGITS))
