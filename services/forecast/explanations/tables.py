from uuid import UUID

from sqlalchemy import Float, ForeignKey, Integer, Subquery, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from services.forecast.tables import Base


class SeriesExplanation(Base):
    """Why one item-location's forecast is what it is: `mean` and `base` [H], `units` [H * C] by period, then by cause.

    In the item's unit; the causes are those of the forecast.
    """

    __tablename__ = "forecast_explanations"

    forecast_id: Mapped[UUID] = mapped_column(ForeignKey("forecasts.id"), primary_key=True)
    item: Mapped[str] = mapped_column(primary_key=True)
    location: Mapped[str] = mapped_column(primary_key=True)
    mean: Mapped[list[float]] = mapped_column(ARRAY(Float))
    base: Mapped[list[float]] = mapped_column(ARRAY(Float))
    units: Mapped[list[float]] = mapped_column(ARRAY(Float))


def _cells() -> Subquery:
    """One row per item-location and period; `step` counts periods from 1, `units` are [C]."""
    row = SeriesExplanation
    step = func.generate_subscripts(row.mean, 1, type_=Integer).column_valued("step", joins_implicitly=True)
    causes = func.cardinality(row.units, type_=Integer) // func.cardinality(row.mean, type_=Integer)
    return select(
        row.forecast_id,
        row.item,
        row.location,
        step.label("step"),
        row.mean[step].label("mean"),
        row.base[step].label("base"),
        row.units[(step - 1) * causes + 1 : step * causes].label("units"),
    ).subquery("explained_cells")


class ExplainedCell(Base):
    """What `SeriesExplanation` stores, read by period. Never written."""

    __table__ = _cells()
    __mapper_args__ = {  # noqa: RUF012  SQLAlchemy's own name
        "primary_key": [__table__.c.forecast_id, __table__.c.item, __table__.c.location, __table__.c.step]
    }

    forecast_id: Mapped[UUID]
    item: Mapped[str]
    location: Mapped[str]
    step: Mapped[int]
    mean: Mapped[float]
    base: Mapped[float]
    units: Mapped[list[float]]
