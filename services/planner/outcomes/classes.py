"""Item classes A, B and C: the item-locations of a plan by the value of their demand.

Source: Silver, Pyke and Thomas (2017), Inventory and Production Management in Supply Chains, on usage value.
"""

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.planner.outcomes.schemas import ItemClass
from services.planner.plans.tables import PlanRow

CUTS: tuple[tuple[float, ItemClass], ...] = ((0.8, "A"), (0.95, "B"))  # of all value, from the largest down

type Classes = Mapping[tuple[UUID, str, str], ItemClass]  # of a plan's item-location


def of_plans(session: Session, plans: Collection[UUID]) -> Classes:
    """The classes of all item-locations of some plans; of none where rows of an earlier release lack their value."""
    if not plans:
        return {}
    row = PlanRow
    ordered = (row.demand_value.desc(), row.item, row.location)
    so_far = func.sum(row.demand_value).over(partition_by=row.plan_id, order_by=ordered, rows=(None, 0))
    total = func.sum(row.demand_value).over(partition_by=row.plan_id)
    known = func.bool_and(row.demand_value.is_not(None)).over(partition_by=row.plan_id)
    told = select(row.plan_id, row.item, row.location, known, row.demand_value, so_far - row.demand_value, total)
    rows = session.execute(told.where(row.plan_id.in_(plans), row.output_digest.is_not(None)))
    return {(plan, item, location): abc(*figures) for plan, item, location, whole, *figures in rows if whole}


def abc(value: float, before: float, total: float) -> ItemClass:
    """The class of one whose demand is worth `value` of `total`, after others of greater value, `before` in sum.

    The one that crosses a cut still belongs before it. Without demand it is C.
    """
    found = (name for cut, name in CUTS if before < cut * total)
    return next(found, "C") if value > 0 else "C"
