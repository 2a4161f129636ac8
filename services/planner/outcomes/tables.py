import datetime
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, func
from sqlalchemy.orm import Mapped, mapped_column, relationship

from services.planner.recommendations.tables import Recommendation
from services.planner.tables import Base


class Outcome(Base):
    """What a decided recommendation came to, replayed on actual demand, beside what else could have been done."""

    __tablename__ = "outcomes"

    recommendation_id: Mapped[UUID] = mapped_column(ForeignKey("recommendations.id"), primary_key=True)
    area: Mapped[str]
    plan_id: Mapped[UUID] = mapped_column(ForeignKey("plans.id"))
    evaluated_at: Mapped[datetime.datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    first: Mapped[datetime.date]
    last: Mapped[datetime.date]
    censored: Mapped[bool]
    covered: Mapped[bool | None]  # None of outcomes before there was this column, and where a plan does not say
    action: Mapped[str]
    actor: Mapped[str]
    reason_code: Mapped[str | None]
    policy: Mapped[str | None]
    item_class: Mapped[str | None]
    demand: Mapped[float]
    executed_cost: Mapped[float]
    executed_short: Mapped[float]
    executed_stock: Mapped[float]
    recommended_cost: Mapped[float]
    recommended_short: Mapped[float]
    recommended_stock: Mapped[float]
    nothing_cost: Mapped[float]
    nothing_short: Mapped[float]
    nothing_stock: Mapped[float]

    recommendation: Mapped[Recommendation] = relationship(lazy="raise", viewonly=True)
