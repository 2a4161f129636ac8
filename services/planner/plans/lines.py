"""A plan's projection out of the arrays that it is stored in: by pages for people, as one stream for programs."""

import datetime
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import pyarrow as pa
from sqlalchemy import Integer, Select, Subquery, and_, func, select
from sqlalchemy.orm import Mapped

from services.planner.plans.money import money
from services.planner.plans.schemas import PlanLineOut
from services.planner.plans.tables import MONEY, UNITS, Plan, PlanLine, PlanRow
from services.planner.tables import Base
from shared import columns, fetch
from shared.db import Database

BATCH_VALUES = 500_000
MEASURES = (*UNITS, *MONEY)
SCHEMA = pa.schema(
    [
        ("item", pa.string()),
        ("location", pa.string()),
        ("period", pa.date32()),
        *((name, pa.float64()) for name in MEASURES),
    ]
)
OF_ROW = and_(PlanLine.plan_id == PlanRow.origin, PlanLine.item == PlanRow.item, PlanLine.location == PlanRow.location)


def _cells() -> Subquery:
    """One row per item-location of each plan and period: `step` counts periods from 1."""
    step = func.generate_subscripts(PlanLine.demand, 1, type_=Integer).column_valued("step", joins_implicitly=True)
    measures = (getattr(PlanLine, name)[step].label(name) for name in MEASURES)
    names = (PlanRow.plan_id, PlanRow.origin, PlanLine.item, PlanLine.location, step.label("step"), *measures)
    return select(*names).join_from(PlanLine, PlanRow, OF_ROW).subquery("plan_cells")


class PlanCell(Base):
    """What `PlanLine` stores, read by period. Never written."""

    __table__ = _cells()
    __mapper_args__ = {  # noqa: RUF012  SQLAlchemy's own name
        "primary_key": [__table__.c.plan_id, __table__.c.item, __table__.c.location, __table__.c.step]
    }

    plan_id: Mapped[UUID]
    origin: Mapped[UUID]
    item: Mapped[str]
    location: Mapped[str]
    step: Mapped[int]
    demand: Mapped[float]
    open_orders: Mapped[float]
    net_forecast: Mapped[float]
    dependent_demand: Mapped[float]
    scheduled_receipts: Mapped[float]
    planned_receipts: Mapped[float]
    available: Mapped[float]
    shortage: Mapped[float]
    backlog: Mapped[float]


CELL_KEYS = (PlanCell.item, PlanCell.location, PlanCell.step)


def cells(run: Plan, item: str | None, location: str | None) -> Select[PlanCell]:
    """One row per item-location and period."""
    found = _own(run, select(PlanCell).where(PlanCell.plan_id == run.id), PlanCell.origin)
    return _of(found, PlanCell, item, location)


def line(periods: Sequence[datetime.date], cell: PlanCell) -> PlanLineOut:
    """A line as it is shown: money rounded to two digits."""
    units = {name: getattr(cell, name) for name in UNITS}
    costs = {name: money(getattr(cell, name)) for name in MONEY}
    return PlanLineOut(item=cell.item, location=cell.location, period=periods[cell.step - 1], **units, **costs)


def batches(database: Database, run: Plan, item: str | None, location: str | None) -> Iterator[pa.RecordBatch]:
    """All rows by item, location and period; memory holds about `BATCH_VALUES` numbers at a time."""
    assert run.periods is not None  # noqa: S101  the run has succeeded
    names = (getattr(PlanLine, name) for name in ("item", "location", *MEASURES))
    mine = select(*names).join_from(PlanLine, PlanRow, OF_ROW).where(PlanRow.plan_id == run.id)
    found = _own(run, mine, PlanRow.origin).order_by(PlanLine.item, PlanLine.location)
    a_batch = max(1, BATCH_VALUES // (len(run.periods) * len(MEASURES)))
    for rows in fetch.parts(database, _of(found, PlanLine, item, location), a_batch):
        yield _batch(run.periods, *zip(*rows, strict=True))


def _batch(
    periods: list[datetime.date], items: tuple[str, ...], locations: tuple[str, ...], *measures: tuple[bytes, ...]
) -> pa.RecordBatch:
    numbers = (columns.matrix(values, len(periods)).ravel() for values in measures)
    return columns.by_period(SCHEMA, (items, locations), periods, numbers)


def _own[S: Select[Any]](run: Plan, found: S, origin: Any) -> S:
    """Tell the database that a plan took nothing over, where that is so: it then looks at no other plan's lines."""
    return found if run.taken_over else found.where(origin == run.id)


def _of[S: Select[Any]](found: S, table: type[PlanLine | PlanCell], item: str | None, location: str | None) -> S:
    if item is not None:
        found = found.where(table.item == item)
    return found if location is None else found.where(table.location == location)
