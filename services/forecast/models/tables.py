import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Text, func
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.forecast.tables import Base, DataRun
from shared.ids import uuid7
from shared.principal import Frequency

ApprovalAction = Literal["approve", "reject"]
PromotionAction = Literal["promote", "rollback"]


class TrainingRun(DataRun, Base):
    """A backtest and a training; its profile is the area's at the time of the request.

    `principal` asked for it, in its own name or in that of `requested_by`.
    """

    __tablename__ = "training_runs"
    __table_args__ = (Index(None, "area", "created_at", "id"), Index(None, "area", "input_digest"))

    reason: Mapped[str]
    principal: Mapped[str | None]
    origins: Mapped[int]
    seed: Mapped[int]
    frequency: Mapped[Frequency] = mapped_column(Text)
    season_length: Mapped[int]
    horizon: Mapped[int]
    model_version: Mapped[int | None]


class ModelVersion(Base):
    """A version in MLflow's registry, with what a forecast must know of it without asking MLflow.

    `gates` were judged against the version `judged_against`, the champion at the time; None where a release before
    gates has trained it.
    """

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
    gates: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB(none_as_null=True))
    judged_against: Mapped[int | None]
    card: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), deferred=True)


class Approval(Base):
    """What somebody else than its trainer said of a version, which `gates` notwithstanding. The newest row counts.

    `sequence` is that of its ledger entry.
    """

    __tablename__ = "model_approvals"
    __table_args__ = (
        ForeignKeyConstraint(["area", "version"], ["model_versions.area", "model_versions.version"]),
        Index(None, "area", "version", "sequence"),
        CheckConstraint("action IN ('approve', 'reject')", name="action"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    area: Mapped[str]
    version: Mapped[int]
    sequence: Mapped[int]
    action: Mapped[ApprovalAction] = mapped_column(Text)
    overrides: Mapped[list[str]] = mapped_column(ARRAY(Text))
    reason: Mapped[str]
    decided_by: Mapped[str]
    decided_at: Mapped[datetime.datetime] = mapped_column(server_default=func.now())


class PromotionRules(Base):
    """What an area asks of a version; `content` as in the schema of the same name."""

    __tablename__ = "promotion_rules"

    area: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    content: Mapped[dict[str, Any]]


class TrainingSchedule(Base):
    """When an area trains a challenger by itself; `content` as in the schema of the same name."""

    __tablename__ = "training_schedule"

    area: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    content: Mapped[dict[str, Any]]


class Challenger(Base):
    """Who made which version the challenger; a row without a version withdrew it. The newest row counts.

    `mirrored_at` tells when MLflow's alias followed.
    """

    __tablename__ = "challengers"
    __table_args__ = (ForeignKeyConstraint(["area", "version"], ["model_versions.area", "model_versions.version"]),)

    area: Mapped[str] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int | None]
    reason: Mapped[str]
    marked_by: Mapped[str]
    marked_at: Mapped[datetime.datetime] = mapped_column(server_default=func.now())
    mirrored_at: Mapped[datetime.datetime | None]


class Promotion(Base):
    """Who made which version the champion. The newest row tells the champion; rows are never changed.

    `returns_to` is the row that a rollback restores: the one before, for a rollback the one before what it restored.
    `mirrored_at` tells when MLflow's alias followed, `diverged_at` when it was last found moved by somebody else, to
    the version `diverged_to` or, where that is None, to none.
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
    action: Mapped[PromotionAction] = mapped_column(Text, default="promote", server_default="promote")
    overridden: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    returns_to: Mapped[int | None]
    mirrored_at: Mapped[datetime.datetime | None]
    diverged_at: Mapped[datetime.datetime | None]
    diverged_to: Mapped[int | None]
