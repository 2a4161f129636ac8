import datetime
from uuid import UUID

from sqlalchemy import DateTime, LargeBinary, Text, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from services.gateway.database import Base


class Endpoint(Base):
    """Where an area's events are delivered, one after the other: `cursor` is the last that was, or was passed over."""

    __tablename__ = "webhook_endpoints"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    area: Mapped[str]
    url: Mapped[str]
    types: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    cursor: Mapped[int]
    attempts: Mapped[int] = mapped_column(default=0)  # of the event that is next
    due: Mapped[datetime.datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    disabled: Mapped[str | None]  # why
    created_at: Mapped[datetime.datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class Delivery(Base):
    """One attempt to deliver an event; sequence 0 is a test."""

    __tablename__ = "webhook_deliveries"

    number: Mapped[int] = mapped_column(primary_key=True)
    endpoint: Mapped[UUID]
    sequence: Mapped[int]
    attempt: Mapped[int]
    at: Mapped[datetime.datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    status: Mapped[int | None]
    error: Mapped[str | None]
