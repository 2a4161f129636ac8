import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from services.planner.tables import Base
from shared import jobs

UNITS = (
    "demand",
    "open_orders",
    "net_forecast",
    "dependent_demand",
    "scheduled_receipts",
    "planned_receipts",
    "planned_releases",
    "available",
    "available_p10",
    "available_p50",
    "available_p90",
    "safety_stock",
    "shortage",
    "stockout_probability",
    "backlog",
)
MONEY = ("holding_cost", "shortage_cost", "ordering_cost", "purchase_cost")


class Plan(jobs.Run, Base):
    """A plan run. Down to `seed` it is what was asked for; the rest is known when the run has succeeded.

    `caller` is the principal, with the area's profile at the time of the request, for whom the job acts. `deltas` are
    those of the area's base and, the last `own` of them, of the scenario. `base_id` is the plan from which what has not
    changed was taken over; `path_costs` [S] the cost of each sample path, purchase aside; `tallies` the engine's sums.
    """

    __tablename__ = "plans"

    caller: Mapped[dict[str, Any]]
    forecast_asked: Mapped[str]
    as_of_asked: Mapped[datetime.date | None]
    horizon_asked: Mapped[int | None]
    seed: Mapped[int]
    scenario: Mapped[str | None]
    scenario_version: Mapped[int | None]
    deltas: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    own: Mapped[int] = mapped_column(default=0)
    net_change: Mapped[bool] = mapped_column(default=False)

    base_id: Mapped[UUID | None] = mapped_column(ForeignKey("plans.id"))
    taken_over: Mapped[int | None]
    forecast_id: Mapped[UUID | None]
    model_version: Mapped[int | None]
    as_of: Mapped[datetime.date | None]
    periods: Mapped[list[datetime.date] | None]
    method: Mapped[dict[str, Any] | None]
    kpis: Mapped[dict[str, Any] | None]
    counts: Mapped[dict[str, Any] | None]
    warnings: Mapped[list[dict[str, Any]] | None]
    input_digest: Mapped[str | None]
    output_digest: Mapped[str | None]
    code_version: Mapped[str | None]
    path_costs: Mapped[list[float] | None] = mapped_column(deferred=True)
    delta_values: Mapped[list[dict[str, Any]] | None] = mapped_column(deferred=True)
    measures: Mapped[dict[str, Any] | None] = mapped_column(deferred=True)
    tallies: Mapped[bytes | None] = mapped_column(deferred=True)


class PlanRow(Base):
    """An item-location of a plan: `origin` is the plan that has its lines and recommendations, earlier or the same.

    The digests are of what went into its numbers and of what came out; without output it is one to be mended.
    `inputs` are the numbers of supply that it was planned with; the rest is as `sales.Sales` says.
    """

    __tablename__ = "plan_rows"

    plan_id: Mapped[UUID] = mapped_column(ForeignKey("plans.id"), primary_key=True)
    item: Mapped[str] = mapped_column(primary_key=True)
    location: Mapped[str] = mapped_column(primary_key=True)
    origin: Mapped[UUID] = mapped_column(ForeignKey("plans.id"))
    input_digest: Mapped[bytes | None]
    output_digest: Mapped[bytes | None]
    inputs: Mapped[bytes | None] = mapped_column(deferred=True)
    revenue: Mapped[float | None]
    cost_of_sales: Mapped[float | None]
    carbon: Mapped[float | None]
    demand_value: Mapped[float | None]


class PlanLine(Base):
    """The projection of one item-location: every array has one value per period of the plan."""

    __tablename__ = "plan_lines"

    plan_id: Mapped[UUID] = mapped_column(ForeignKey("plans.id"), primary_key=True)
    item: Mapped[str] = mapped_column(primary_key=True)
    location: Mapped[str] = mapped_column(primary_key=True)
    demand: Mapped[list[float]]
    open_orders: Mapped[list[float]]
    net_forecast: Mapped[list[float]]
    dependent_demand: Mapped[list[float]]
    scheduled_receipts: Mapped[list[float]]
    planned_receipts: Mapped[list[float]]
    planned_releases: Mapped[list[float]]
    available: Mapped[list[float]]
    available_p10: Mapped[list[float]]
    available_p50: Mapped[list[float]]
    available_p90: Mapped[list[float]]
    safety_stock: Mapped[list[float]]
    shortage: Mapped[list[float]]
    stockout_probability: Mapped[list[float]]
    backlog: Mapped[list[float]]
    holding_cost: Mapped[list[float]]
    shortage_cost: Mapped[list[float]]
    ordering_cost: Mapped[list[float]]
    purchase_cost: Mapped[list[float]]


class PlanException(Base):
    """An item-location that runs out more often than its target accepts, and why; of the plan that has its lines."""

    __tablename__ = "plan_exceptions"

    plan_id: Mapped[UUID] = mapped_column(ForeignKey("plans.id"), primary_key=True)
    item: Mapped[str] = mapped_column(primary_key=True)
    location: Mapped[str] = mapped_column(primary_key=True)
    period: Mapped[datetime.date]
    quantity: Mapped[float]
    value: Mapped[float]
    cause: Mapped[str]


class PlanResource(Base):
    """What a plan takes of a resource in a period, in hours; `price` is what one more hour saves, where confirmed."""

    __tablename__ = "plan_resources"

    plan_id: Mapped[UUID] = mapped_column(ForeignKey("plans.id"), primary_key=True)
    resource: Mapped[str] = mapped_column(primary_key=True)
    period: Mapped[datetime.date] = mapped_column(primary_key=True)
    load: Mapped[float]
    available: Mapped[float]
    overtime: Mapped[float]
    overtime_available: Mapped[float]
    overtime_cost: Mapped[float]
    price: Mapped[float | None]
