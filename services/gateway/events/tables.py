import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.gateway.database import Base


class EventRow(Base):
    """What happened in an area, numbered in the order in which the gateway took it."""

    __tablename__ = "events"
    __table_args__ = (UniqueConstraint("area", "id"),)

    area: Mapped[str] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[UUID]
    type: Mapped[str] = mapped_column(Text)
    source: Mapped[str]
    subject: Mapped[str]
    at: Mapped[datetime.datetime] = mapped_column(DateTime(timezone=True))
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)


class EventHead(Base):
    """The last number of an area's events."""

    __tablename__ = "event_heads"

    area: Mapped[str] = mapped_column(primary_key=True)
    sequence: Mapped[int]
