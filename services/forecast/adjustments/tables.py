import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from services.forecast.tables import Base


class Adjustment(Base):
    """What somebody knows that the forecast does not. It never changes; withdrawn it has no effect any more."""

    __tablename__ = "adjustments"
    __table_args__ = (
        CheckConstraint("action IN ('set', 'add', 'scale')", name="action"),
        CheckConstraint("(withdrawn_by IS NULL) = (withdrawn_at IS NULL)", name="withdrawn"),
        Index(None, "area", "sequence"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    area: Mapped[str]
    sequence: Mapped[int]  # of its ledger entry: they are applied in this order
    action: Mapped[str]
    value: Mapped[float]
    item: Mapped[str | None]
    location: Mapped[str | None]
    category: Mapped[str | None]
    region: Mapped[str | None]
    first: Mapped[datetime.date | None]
    last: Mapped[datetime.date | None]
    reason_code: Mapped[str]
    note: Mapped[str | None]
    expires_on: Mapped[datetime.date | None]
    author: Mapped[str]
    created_at: Mapped[datetime.datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    withdrawn_by: Mapped[str | None]
    withdrawn_at: Mapped[datetime.datetime | None] = mapped_column(DateTime(timezone=True))
