import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Date,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Subquery,
    Text,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from services.forecast.tables import Base, DataRun

Source = Literal["model", "external"]
Stage = Literal["champion", "consensus", "shadow"]


class Forecast(DataRun, Base):
    """A forecast run. `origin` is the last period whose demand was known; `periods` are those forecast.

    One whose `source` is external was made elsewhere: it has a `name` instead of a model version. `profile` is what
    an explanation of one item-location must know of all of them (the engine's `Forecast`). One with `overlays` is a
    what-if, `base` the forecast that it departs from, if one was named. Where it was asked to `explain` all
    item-locations, `causes` are those that it found. One of the `stage` consensus is its `base` with `adjustments`, and
    with the numbers of forecasts from elsewhere, the `sources`. A shadow is what the challenger says in the place of
    its `base`. `known_until`, of an external one, is the newest period with demand when it came in.
    """

    __tablename__ = "forecasts"
    __table_args__ = (
        ForeignKeyConstraint(["area", "model_version"], ["model_versions.area", "model_versions.version"]),
        Index(None, "area", "created_at", "id"),
        Index(None, "area", "input_digest"),
        CheckConstraint("source IN ('model', 'external')", name="source"),
        CheckConstraint("(source = 'model') = (model_version IS NOT NULL)", name="model"),
        CheckConstraint("(source = 'external') = (name IS NOT NULL)", name="name"),
        CheckConstraint("stage IN ('champion', 'consensus', 'shadow')", name="stage"),
    )

    source: Mapped[Source] = mapped_column(Text, default="model", server_default="model")
    name: Mapped[str | None]
    model_version: Mapped[int | None]
    origin: Mapped[datetime.date | None]
    horizon: Mapped[int]
    seed: Mapped[int]
    periods: Mapped[list[datetime.date]] = mapped_column(ARRAY(Date), default=list)
    quantiles: Mapped[list[float]] = mapped_column(ARRAY(Float), default=list)
    series_count: Mapped[int] = mapped_column(default=0)
    output_digest: Mapped[str | None]
    profile: Mapped[list[float] | None] = mapped_column(ARRAY(Float), deferred=True)
    overlays: Mapped[list[dict[str, Any]]] = mapped_column(default=list, server_default="[]")
    base: Mapped[UUID | None] = mapped_column(ForeignKey("forecasts.id"))
    levels: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    explain: Mapped[bool] = mapped_column(default=False, server_default="false")
    causes: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    stage: Mapped[Stage] = mapped_column(Text, default="champion", server_default="champion")
    adjustments: Mapped[list[dict[str, Any]]] = mapped_column(default=list, server_default="[]")
    sources: Mapped[list[dict[str, Any]]] = mapped_column(default=list, server_default="[]")
    known_until: Mapped[datetime.date | None]

    @property
    def kind(self) -> str:
        """The stage of one of our models' forecasts, else `external`."""
        return self.stage if self.source == "model" else self.source


class ForecastSeries(Base):
    """One item-location's forecast: `mean` [H], `quantiles` [H * K] by period, then by level; in the item's unit.

    `dependence` is the correlation of the normal scores of two periods, from which joint paths are drawn. `naive` and
    `statistical` [H] are what a model's forecast had been without the model: seasonal naive, and the statistics of the
    demand class; null where nothing was known of the past, and of all that is not a model's own.
    """

    __tablename__ = "forecast_series"

    forecast_id: Mapped[UUID] = mapped_column(ForeignKey("forecasts.id"), primary_key=True)
    item: Mapped[str] = mapped_column(primary_key=True)
    location: Mapped[str] = mapped_column(primary_key=True)
    mean: Mapped[list[float]] = mapped_column(ARRAY(Float))
    quantiles: Mapped[list[float]] = mapped_column(ARRAY(Float))
    dependence: Mapped[float]
    naive: Mapped[list[float] | None] = mapped_column(ARRAY(Float))
    statistical: Mapped[list[float] | None] = mapped_column(ARRAY(Float))


class ForecastNode(Base):
    """Forecast of an aggregate, the `node` of a `level`: `mean` and `quantiles` as in `ForecastSeries`."""

    __tablename__ = "forecast_nodes"

    forecast_id: Mapped[UUID] = mapped_column(ForeignKey("forecasts.id"), primary_key=True)
    level: Mapped[str] = mapped_column(primary_key=True)
    node: Mapped[str] = mapped_column(primary_key=True)
    mean: Mapped[list[float]] = mapped_column(ARRAY(Float))
    quantiles: Mapped[list[float]] = mapped_column(ARRAY(Float))


def _cells(row: type[ForecastSeries] | type[ForecastNode], names: tuple[str, str], called: str) -> Subquery:
    """One row per array of `row`, which its two `names` tell apart, and period.

    `step` counts periods from 1, `quantiles` are [K].
    """
    step = func.generate_subscripts(row.mean, 1, type_=Integer).column_valued("step", joins_implicitly=True)
    levels = func.cardinality(row.quantiles, type_=Integer) // func.cardinality(row.mean, type_=Integer)
    columns = (
        row.forecast_id,
        *(getattr(row, name) for name in names),
        step.label("step"),
        row.mean[step].label("mean"),
        row.quantiles[(step - 1) * levels + 1 : step * levels].label("quantiles"),
    )
    return select(*columns).subquery(called)


class ForecastCell(Base):
    """What `ForecastSeries` stores, read by period. Never written."""

    __table__ = _cells(ForecastSeries, ("item", "location"), "forecast_cells")
    __mapper_args__ = {  # noqa: RUF012  SQLAlchemy's own name
        "primary_key": [__table__.c.forecast_id, __table__.c.item, __table__.c.location, __table__.c.step]
    }

    forecast_id: Mapped[UUID]
    item: Mapped[str]
    location: Mapped[str]
    step: Mapped[int]
    mean: Mapped[float]
    quantiles: Mapped[list[float]]


class NodeCell(Base):
    """What `ForecastNode` stores, read by period. Never written."""

    __table__ = _cells(ForecastNode, ("level", "node"), "node_cells")
    __mapper_args__ = {  # noqa: RUF012  SQLAlchemy's own name
        "primary_key": [__table__.c.forecast_id, __table__.c.level, __table__.c.node, __table__.c.step]
    }

    forecast_id: Mapped[UUID]
    level: Mapped[str]
    node: Mapped[str]
    step: Mapped[int]
    mean: Mapped[float]
    quantiles: Mapped[list[float]]
