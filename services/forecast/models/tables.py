import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from services.forecast.tables import Base, DataRun
from shared.principal import Frequency


class TrainingRun(DataRun, Base):
    """A backtest and a training; its profile is the area's at the time of the request."""

    __tablename__ = "training_runs"
    __table_args__ = (Index(None, "area", "created_at", "id"), Index(None, "area", "input_digest"))

    reason: Mapped[str]
    origins: Mapped[int]
    seed: Mapped[int]
    frequency: Mapped[Frequency] = mapped_column(Text)
    season_length: Mapped[int]
    horizon: Mapped[int]
    model_version: Mapped[int | None]


class ModelVersion(Base):
    """A version in MLflow's registry, with what a forecast must know of it without asking MLflow."""

    __tablename__ = "model_versions"

    area: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    training_run: Mapped[UUID] = mapped_column(ForeignKey("training_runs.id"))
    trained_at: Mapped[datetime.datetime] = mapped_column(server_default=func.now())
    mlflow_run: Mapped[str]
    frequency: Mapped[Frequency] = mapped_column(Text)
    season_length: Mapped[int]
    horizon: Mapped[int]
    seed: Mapped[int]
    last_period: Mapped[datetime.date]
    features: Mapped[list[dict[str, Any]]]
    metrics: Mapped[dict[str, Any]]
    dataset_digest: Mapped[str]
    artifact_digest: Mapped[str]
    code_version: Mapped[str]


class Promotion(Base):
    """Who made which version the champion. The newest row tells the champion; rows are never changed.

    `mirrored_at` tells when MLflow's alias followed.
    """

    __tablename__ = "promotions"
    __table_args__ = (
        ForeignKeyConstraint(["area", "version"], ["model_versions.area", "model_versions.version"]),
        ForeignKeyConstraint(["area", "previous_version"], ["model_versions.area", "model_versions.version"]),
    )

    area: Mapped[str] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int]
    previous_version: Mapped[int | None]
    reason: Mapped[str]
    promoted_by: Mapped[str]
    promoted_at: Mapped[datetime.datetime] = mapped_column(server_default=func.now())
    mirrored_at: Mapped[datetime.datetime | None]
