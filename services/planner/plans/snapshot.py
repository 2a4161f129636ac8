"""What the planner knows of supply at one instant, as frames."""

import datetime
from dataclasses import dataclass
from typing import Any, Self, get_args

import pandas as pd
from sqlalchemy import Select, case, func, select, union_all
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from services.planner.production.tables import Process, ProcessComponent, ProcessLoad, Resource, ResourceCapacity
from services.planner.recommendations.content import IS_ORDER, MODES
from services.planner.recommendations.content_schemas import ChangeType, Type
from services.planner.recommendations.decisions import COMMITTED
from services.planner.recommendations.execution import UNDER_WAY
from services.planner.recommendations.settled import settled
from services.planner.recommendations.tables import Execution, Recommendation, RecommendationState
from services.planner.supply.tables import (
    Inventory,
    OpenOrder,
    PlanningPolicy,
    ScheduledReceipt,
    SourcingRule,
    Supplied,
)
from shared.errors import Conflict

COUNTED = 50  # deliveries of an item-location
SETTLED: tuple[Type, ...] = ("dispose", "parameter_change")
SETTLED_BY = (Recommendation.type, Recommendation.item, Recommendation.location)


class NoInventory(Conflict):
    slug, title = "no-inventory", "No stock is known"


@dataclass(frozen=True)
class Snapshot:
    """Rows in the order of their keys. Stock, rules and policies are of the area; quantities in units.

    commitments: orders that somebody decided on and that no receipt carries out yet.
    """

    stock: pd.DataFrame  # item, location, as_of, on_hand, reserved: the newest up to the as-of date
    rules: pd.DataFrame  # as sourcing_rules
    policies: pd.DataFrame  # as planning_policies
    receipts: pd.DataFrame  # item, location, due, quantity, reference, status, cancellable
    orders: (
        pd.DataFrame
    )  # item, location, due, quantity: customers' orders, less what was shipped before the as-of date
    processes: pd.DataFrame  # this and those below as the tables
    components: pd.DataFrame
    loads: pd.DataFrame
    resources: pd.DataFrame
    capacity: pd.DataFrame
    commitments: pd.DataFrame  # recommendation_id, item, location, due, quantity
    deliveries: pd.DataFrame  # item, location, mode, source, due, received_on, created_at: the newest of each
    settled: pd.DataFrame  # type, item, location, at: when somebody last accepted or rejected what is no order
    changed: frozenset[str]  # references of receipts that are to be changed, by a decision

    @classmethod
    def read(cls, session: Session, area: str, as_of: datetime.date) -> Self:
        """Read all of it in the session's one consistent view; NoInventory where the area has no stock by then."""
        stock = _frame(session, _stock(area, as_of))
        if stock.empty:
            raise NoInventory(
                f"No stock of {as_of} or before is known in this area: POST inventory, or plan with a later as_of."
            )
        return cls(
            stock=stock,
            rules=_table(session, area, SourcingRule),
            policies=_table(session, area, PlanningPolicy),
            receipts=_frame(session, _receipts(area)),
            orders=_frame(session, _orders(area, as_of)),
            processes=_table(session, area, Process),
            components=_table(session, area, ProcessComponent),
            loads=_table(session, area, ProcessLoad),
            resources=_table(session, area, Resource),
            capacity=_table(session, area, ResourceCapacity),
            commitments=_frame(session, commitments(area)),
            deliveries=_frame(session, _deliveries(area)),
            settled=_frame(session, settled(area, SETTLED, *SETTLED_BY)),
            changed=frozenset(session.scalars(_changed(area))),
        )


def commitments(area: str) -> Select[*tuple[Any, ...]]:
    """Decided orders that no scheduled receipt carries out yet: not released, or told of as executions only."""
    state = RecommendationState
    decided = _supplies(area, state.due, state.quantity).where(state.status.in_(COMMITTED))
    outstanding = Execution.quantity - func.coalesce(Execution.received_quantity, 0)
    told = _supplies(area, Execution.due, outstanding).join(Execution, Execution.recommendation_id == Recommendation.id)
    scheduled = select(ScheduledReceipt.reference).where(
        ScheduledReceipt.area == area, ScheduledReceipt.reference == Execution.reference
    )
    under_way = told.where(Execution.status.in_(UNDER_WAY), outstanding > 0, ~scheduled.exists())
    both = union_all(decided, under_way).subquery()
    return select(*both.c).order_by(both.c.recommendation_id, both.c.due, both.c.quantity)


def _supplies(area: str, due: Any, quantity: Any) -> Select[*tuple[Any, ...]]:
    """The area's orders as supply."""
    row = Recommendation
    named = (row.id.label("recommendation_id"), row.item, row.location, due.label("due"), quantity.label("quantity"))
    orders = select(*named).select_from(row).join(row.state)
    return orders.where(RecommendationState.area == area, IS_ORDER)


def _stock(area: str, as_of: datetime.date) -> Select[*tuple[Any, ...]]:
    keys = (Inventory.item, Inventory.location)
    known = select(*keys, Inventory.as_of, Inventory.on_hand, Inventory.reserved).ext(distinct_on(*keys))
    return known.where(Inventory.area == area, Inventory.as_of <= as_of).order_by(*keys, Inventory.as_of.desc())


def _receipts(area: str) -> Select[*tuple[Any, ...]]:
    row = ScheduledReceipt
    names = (row.item, row.location, row.due, row.quantity, row.reference, row.status, row.cancellable)
    return select(*names).where(row.area == area).order_by(row.reference)


def _changed(area: str) -> Select[str]:
    state = RecommendationState
    reference = Recommendation.content["change"]["reference"].as_string()
    decided = select(reference).join(Recommendation.state).where(state.area == area, state.status.in_(COMMITTED))
    return decided.where(Recommendation.type.in_(get_args(ChangeType)), reference.is_not(None))


def _deliveries(area: str) -> Select[*tuple[Any, ...]]:
    """When orders were due and came, `COUNTED` of an item-location at most."""
    row, source = Recommendation, Recommendation.content["order"]["source"].as_string()
    mode = case(MODES, value=row.type)
    newest = func.row_number().over(partition_by=(row.item, row.location), order_by=Execution.received_on.desc())
    named = (row.item, row.location, mode.label("mode"), source.label("source"), row.created_at)
    came = select(*named, Execution.due, Execution.received_on, newest.label("newest")).select_from(Execution)
    came = came.join(row, row.id == Execution.recommendation_id)
    known = came.where(Execution.area == area, Execution.status == "received", row.type.in_(MODES)).subquery()
    columns = [column for column in known.c if column.name != "newest"]
    return select(*columns).where(known.c.newest <= COUNTED).order_by(known.c.item, known.c.location, known.c.newest)


def _orders(area: str, as_of: datetime.date) -> Select[*tuple[Any, ...]]:
    row = OpenOrder
    left = row.quantity - case((row.shipped < as_of, row.shipped_quantity), else_=0.0)
    found = select(row.item, row.location, row.due, left.label("quantity")).where(row.area == area, left > 0)
    return found.order_by(row.reference)


def _table(session: Session, area: str, table: type[Supplied]) -> pd.DataFrame:
    """All of an area's rows in the order of their key, without area and number."""
    columns = [column for column in table.__table__.columns if column.name not in {"area", "id"}]
    ordered = select(*columns).where(table.area == area).order_by(*table.__mapper__.primary_key)
    return _frame(session, ordered)


def _frame(session: Session, statement: Select[*tuple[Any, ...]]) -> pd.DataFrame:
    result = session.execute(statement)
    return pd.DataFrame(result.fetchall(), columns=list(result.keys()))
