import datetime
from typing import Any

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.forecast.tables import Base


class Monitor(Base):
    """How the published forecasts of a model (a version, or an external forecast's name) do, up to a period.

    `filed`: of which alarms people were asked what to do, as `advice.Filed`.
    """

    __tablename__ = "monitors"

    area: Mapped[str] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(primary_key=True)
    until: Mapped[datetime.date]
    segments: Mapped[list[dict[str, Any]]]
    alarms: Mapped[list[dict[str, Any]]]
    decay: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    filed: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    computed_at: Mapped[datetime.datetime] = mapped_column(server_default=func.now())


class InputMonitor(Base):
    """What an area's data looked like: `seen` tells one state from another, `settled` that all is computed for it.

    `filed`: of which dead drivers people were asked what to do, as `advice.Filed`.

    Demand comes in parts; it is judged when it has not changed between two looks.
    """

    __tablename__ = "input_monitors"

    area: Mapped[str] = mapped_column(primary_key=True)
    seen: Mapped[str]
    settled: Mapped[bool]
    until: Mapped[datetime.date | None]
    silent: Mapped[dict[str, Any]]
    drivers: Mapped[list[dict[str, Any]]]
    filed: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    computed_at: Mapped[datetime.datetime | None]
