import datetime
from decimal import Decimal

from sqlalchemy.orm import Mapped, mapped_column

from services.planner.supply.tables import Supplied


class Process(Supplied):
    """A way to make an item at a location."""

    __tablename__ = "processes"

    process: Mapped[str] = mapped_column(primary_key=True)
    item: Mapped[str]
    location: Mapped[str]
    yield_rate: Mapped[float]


class ProcessComponent(Supplied):
    """One line of a process's bill of materials."""

    __tablename__ = "process_components"

    process: Mapped[str] = mapped_column(primary_key=True)
    component: Mapped[str] = mapped_column(primary_key=True)
    quantity_per: Mapped[float]
    scrap_rate: Mapped[float]
    offset: Mapped[int]
    uom: Mapped[str | None]


class ProcessLoad(Supplied):
    """What a process takes of a resource."""

    __tablename__ = "process_loads"

    process: Mapped[str] = mapped_column(primary_key=True)
    resource: Mapped[str] = mapped_column(primary_key=True)
    hours_per_unit: Mapped[float]
    setup_hours: Mapped[float]


class Resource(Supplied):
    """What limits production, with its usual hours per period."""

    __tablename__ = "resources"

    resource: Mapped[str] = mapped_column(primary_key=True)
    hours: Mapped[float | None]
    overtime_hours: Mapped[float]
    overtime_cost: Mapped[Decimal]


class ResourceCapacity(Supplied):
    """Hours of a resource on a day."""

    __tablename__ = "resource_capacity"

    resource: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[datetime.date] = mapped_column(primary_key=True)
    hours: Mapped[float]
    overtime_hours: Mapped[float]
