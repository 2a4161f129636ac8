import datetime
from typing import Any

from sqlalchemy import func
from sqlalchemy.orm import Mapped, mapped_column

from services.planner.tables import Base


class Scenario(Base):
    """Named deltas on the area's base, as they were stored: JSON of `schemas.Delta`."""

    __tablename__ = "scenarios"

    area: Mapped[str] = mapped_column(primary_key=True)
    scenario: Mapped[str] = mapped_column(primary_key=True)
    description: Mapped[str | None]
    deltas: Mapped[list[dict[str, Any]]]
    version: Mapped[int]
    changed_by: Mapped[str]
    changed_at: Mapped[datetime.datetime] = mapped_column(server_default=func.now())


class ScenarioPromotion(Base):
    """What the area's base became. `stack`: the scenarios in it, oldest first, each as it was when it was promoted."""

    __tablename__ = "scenario_promotions"

    area: Mapped[str] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True)
    action: Mapped[str]
    scenario: Mapped[str]
    scenario_version: Mapped[int]
    stack: Mapped[list[dict[str, Any]]]
    reason: Mapped[str]
    promoted_by: Mapped[str]
    promoted_at: Mapped[datetime.datetime] = mapped_column(server_default=func.now())
