"""A plan's resources as they are shown: by pages for people, as one stream for programs."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from sqlalchemy import Select, select

from services.planner.plans.money import money, rate
from services.planner.plans.schemas import PlanResourceOut
from services.planner.plans.tables import Plan, PlanResource
from shared import columns
from shared.db import Database

BATCH = 5000
HOURS = ("load", "available", "overtime", "overtime_available")
NUMBERS = (*HOURS, "utilisation", "overtime_cost", "price")
SCHEMA = pa.schema([("resource", pa.string()), ("period", pa.date32()), *((name, pa.float64()) for name in NUMBERS)])
KEYS = (PlanResource.resource, PlanResource.period)


def of_plan(run: Plan, resource: str | None) -> Select[PlanResource]:
    """One row per resource and period."""
    found = select(PlanResource).where(PlanResource.plan_id == run.id)
    return found if resource is None else found.where(PlanResource.resource == resource)


def out(row: PlanResource) -> PlanResourceOut:
    """A row as it is shown: money rounded."""
    return PlanResourceOut(
        resource=row.resource,
        period=row.period,
        **{name: getattr(row, name) for name in HOURS},
        utilisation=utilisation(row),
        overtime_cost=money(row.overtime_cost),
        price=None if row.price is None else rate(row.price),
    )


def utilisation(row: PlanResource) -> float | None:
    """Share of the regular hours that is taken, above 1 with overtime; None where there are none."""
    return row.load / row.available if row.available > 0 else None


def batches(database: Database, found: Select[PlanResource]) -> Iterator[pa.RecordBatch]:
    """All rows by resource and period."""
    with database.read() as session:
        rows = session.scalars(found.order_by(*KEYS).execution_options(yield_per=BATCH))
        for part in rows.partitions():
            yield columns.batch(SCHEMA, zip(*(_values(row) for row in part), strict=True))


def _values(row: PlanResource) -> tuple[Any, ...]:
    hours = (getattr(row, name) for name in HOURS)
    return row.resource, row.period, *hours, utilisation(row), row.overtime_cost, row.price
