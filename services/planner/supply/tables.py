import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import ForeignKey, Identity
from sqlalchemy.orm import Mapped, mapped_column

from services.planner.tables import Base


class Supplied(Base):
    """A row that the ERP keeps in an area."""

    __abstract__ = True

    area: Mapped[str] = mapped_column(primary_key=True)


class Inventory(Supplied):
    """Stock of one item-location at the start of one day."""

    __tablename__ = "inventory"

    item: Mapped[str] = mapped_column(primary_key=True)
    location: Mapped[str] = mapped_column(primary_key=True)
    as_of: Mapped[datetime.date] = mapped_column(primary_key=True)
    on_hand: Mapped[float]
    reserved: Mapped[float]


class ScheduledReceipt(Supplied):
    """An order under way; `reference` is the ERP's order number and line."""

    __tablename__ = "scheduled_receipts"

    reference: Mapped[str] = mapped_column(primary_key=True)
    item: Mapped[str]
    location: Mapped[str]
    due: Mapped[datetime.date]
    quantity: Mapped[float]
    kind: Mapped[str]
    status: Mapped[str]
    cancellable: Mapped[bool]
    recommendation_id: Mapped[UUID | None] = mapped_column(ForeignKey("recommendations.id"))


class OpenOrder(Supplied):
    """A customer's order, or what is left of it; `reference` is the ERP's order number and line."""

    __tablename__ = "open_orders"

    reference: Mapped[str] = mapped_column(primary_key=True)
    item: Mapped[str]
    location: Mapped[str]
    quantity: Mapped[float]
    due: Mapped[datetime.date]
    customer: Mapped[str | None]
    priority: Mapped[int]
    ordered: Mapped[datetime.date | None]
    shipped_quantity: Mapped[float]
    shipped: Mapped[datetime.date | None]


class SourcingRule(Supplied):
    """One way to supply an item-location, from a date on."""

    __tablename__ = "sourcing_rules"

    item: Mapped[str] = mapped_column(primary_key=True)
    location: Mapped[str] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(primary_key=True)
    effective_from: Mapped[datetime.date] = mapped_column(primary_key=True)
    effective_to: Mapped[datetime.date | None]
    priority: Mapped[int]
    split: Mapped[float | None]
    lead_time: Mapped[int]
    lead_time_spread: Mapped[float]
    moq: Mapped[float]
    multiple: Mapped[float]
    max_quantity: Mapped[float | None]
    unit_cost: Mapped[Decimal]
    order_cost: Mapped[Decimal]
    expedite_lead_time: Mapped[int | None]
    expedite_surcharge: Mapped[Decimal | None]
    resource: Mapped[str | None]
    load_per_unit: Mapped[float | None]
    carbon_per_unit: Mapped[float | None]
    cancellable: Mapped[bool]
    strict_lots: Mapped[bool]


class PlanningPolicy(Supplied):
    """Service or cost target; a missing item or location stands for every one."""

    __tablename__ = "planning_policies"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    item: Mapped[str | None]
    location: Mapped[str | None]
    service_level: Mapped[float | None]
    fill_rate: Mapped[float | None]
    shortage_cost: Mapped[Decimal | None]
    shortage_mode: Mapped[str]
    review_period: Mapped[int]
    frozen_fence: Mapped[int]
    holding_cost: Mapped[Decimal | None]
    max_stock: Mapped[float | None]
