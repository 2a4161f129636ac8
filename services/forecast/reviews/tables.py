import datetime
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.orm import Mapped, mapped_column

from services.forecast.tables import Base


class Asked(Base):
    """A recommendation in the planner's log whose acceptance this service acts on; gone once it did, or never will."""

    __tablename__ = "asked"

    recommendation: Mapped[UUID] = mapped_column(primary_key=True)
    area: Mapped[str]
    type: Mapped[str]
    model_version: Mapped[int]
    filed_at: Mapped[datetime.datetime] = mapped_column(server_default=func.now())
