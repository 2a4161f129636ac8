"""Orders that somebody decided on and the ERP has not released yet."""

import datetime
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

import pyarrow as pa
from sqlalchemy import Select, exists, select
from sqlalchemy.orm import contains_eager

from services.planner.plans.tables import PlanRow
from services.planner.recommendations.content import IS_ORDER
from services.planner.recommendations.decisions import COMMITTED
from services.planner.recommendations.schemas import OrderOut
from services.planner.recommendations.tables import Recommendation, RecommendationState
from shared import columns
from shared.db import Database
from shared.principal import Principal

BATCH = 1000
SCHEMA = pa.schema(
    {
        "recommendation": pa.string(),
        "plan": pa.string(),
        "type": pa.string(),
        "item": pa.string(),
        "location": pa.string(),
        "source": pa.string(),
        "quantity": pa.float64(),
        "release_date": pa.date32(),
        "due": pa.date32(),
        "decided_by": pa.string(),
        "decided_at": columns.INSTANT,
    }
)


def to_release(who: Principal, plan: UUID | None = None) -> Select[Recommendation]:
    """Accepted and overridden orders of the area, or of one plan."""
    state = Recommendation.state
    orders = (
        select(Recommendation)
        .join(state)
        .join(RecommendationState.entry)
        .options(contains_eager(state).contains_eager(RecommendationState.entry))
        .where(Recommendation.area == who.area.area, RecommendationState.area == who.area.area)
        .where(RecommendationState.status.in_(COMMITTED), IS_ORDER)
    )
    if plan is None:
        return orders
    has = exists().where(
        PlanRow.plan_id == plan,
        PlanRow.origin == Recommendation.plan_id,
        PlanRow.item == Recommendation.item,
        PlanRow.location == Recommendation.location,
    )
    return orders.where(has)


def out(row: Recommendation) -> OrderOut:
    order, state = row.content["order"], row.state
    due = state.due or datetime.date.fromisoformat(order["receipt_date"])
    return OrderOut(
        recommendation=row.id,
        plan=row.plan_id,
        type=row.type,
        item=row.item,
        location=row.location,
        source=state.source or order["source"],
        quantity=state.quantity or order["quantity"],
        release_date=_release_date(order, due),
        due=due,
        decided_by=state.entry.actor,
        decided_at=state.entry.at,
    )


def _release_date(order: Mapping[str, Any], due: datetime.date) -> datetime.date:
    """As long before `due` as recommended, but not before the first date on which the plan could release it."""
    earliest, receipt = (datetime.date.fromisoformat(order[name]) for name in ("release_date", "receipt_date"))
    return max(earliest, due - (receipt - earliest))


def batches(database: Database, orders: Select[Recommendation]) -> Iterator[pa.RecordBatch]:
    """All orders of a selection, read in a session that lives as long as the client reads."""
    with database.read() as session:
        rows = session.scalars(orders.order_by(Recommendation.id).execution_options(yield_per=BATCH))
        for part in rows.partitions():
            values = [out(row).model_dump() | {"recommendation": str(row.id), "plan": str(row.plan_id)} for row in part]
            yield columns.batch(SCHEMA, ([order[name] for order in values] for name in SCHEMA.names))
