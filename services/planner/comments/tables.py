import datetime
from uuid import UUID

from sqlalchemy import DateTime, func
from sqlalchemy.orm import Mapped, mapped_column

from services.planner.tables import Base


class Comment(Base):
    """What somebody has to say about a forecast, a plan, a cycle or a recommendation, and who is to answer it."""

    __tablename__ = "comments"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    area: Mapped[str]
    about: Mapped[str]
    subject: Mapped[str]
    text: Mapped[str]
    assignee: Mapped[str | None]
    author: Mapped[str]
    created_at: Mapped[datetime.datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    resolved_by: Mapped[str | None]
    resolved_at: Mapped[datetime.datetime | None] = mapped_column(DateTime(timezone=True))
