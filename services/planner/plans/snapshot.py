"""What the planner knows of supply at one instant, as frames."""

import datetime
from dataclasses import dataclass
from typing import Any, Self

import pandas as pd
from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from services.planner.recommendations.decisions import COMMITTED
from services.planner.recommendations.tables import Recommendation, RecommendationState
from services.planner.supply.tables import Inventory, PlanningPolicy, ScheduledReceipt, SourcingRule
from shared.errors import Conflict


class NoInventory(Conflict):
    slug, title = "no-inventory", "No stock is known"


@dataclass(frozen=True)
class Snapshot:
    """Rows in the order of their keys. Stock, rules and policies are of the area; quantities in units.

    commitments: orders that somebody decided on and that are not released yet.
    """

    stock: pd.DataFrame  # item, location, as_of, on_hand, reserved: the newest up to the as-of date
    rules: pd.DataFrame  # as sourcing_rules
    policies: pd.DataFrame  # as planning_policies
    receipts: pd.DataFrame  # item, location, due, quantity
    commitments: pd.DataFrame  # recommendation_id, item, location, due, quantity

    @classmethod
    def read(cls, session: Session, area: str, as_of: datetime.date) -> Self:
        """Read all of it in the session's one consistent view; NoInventory where the area has no stock by then."""
        stock = _frame(session, _stock(area, as_of))
        if stock.empty:
            raise NoInventory(
                f"No stock of {as_of} or before is known in this area: POST inventory, or plan with a later as_of."
            )
        keyed = (SourcingRule.item, SourcingRule.location)
        rules = select(*_columns(SourcingRule)).where(SourcingRule.area == area).order_by(*keyed)
        policies = select(*_columns(PlanningPolicy)).where(PlanningPolicy.area == area).order_by(PlanningPolicy.id)
        return cls(
            stock=stock,
            rules=_frame(session, rules),
            policies=_frame(session, policies),
            receipts=_frame(session, _receipts(area)),
            commitments=_frame(session, commitments(area)),
        )


def commitments(area: str) -> Select[*tuple[Any, ...]]:
    """Decided orders that no scheduled receipt carries out yet."""
    return (
        select(
            RecommendationState.recommendation_id,
            Recommendation.item,
            Recommendation.location,
            RecommendationState.due,
            RecommendationState.quantity,
        )
        .join(Recommendation.state)
        .where(RecommendationState.area == area, RecommendationState.status.in_(COMMITTED))
        .where(Recommendation.type != "data_fix")
        .order_by(Recommendation.id)
    )


def _stock(area: str, as_of: datetime.date) -> Select[*tuple[Any, ...]]:
    keys = (Inventory.item, Inventory.location)
    known = select(*keys, Inventory.as_of, Inventory.on_hand, Inventory.reserved).ext(distinct_on(*keys))
    return known.where(Inventory.area == area, Inventory.as_of <= as_of).order_by(*keys, Inventory.as_of.desc())


def _receipts(area: str) -> Select[*tuple[Any, ...]]:
    row = ScheduledReceipt
    found = select(row.item, row.location, row.due, row.quantity).where(row.area == area)
    return found.order_by(row.reference)


def _columns(table: type[SourcingRule | PlanningPolicy]) -> list[Any]:
    return [column for column in table.__table__.columns if column.name not in {"area", "id"}]


def _frame(session: Session, statement: Select[*tuple[Any, ...]]) -> pd.DataFrame:
    result = session.execute(statement)
    return pd.DataFrame(result.fetchall(), columns=list(result.keys()))
