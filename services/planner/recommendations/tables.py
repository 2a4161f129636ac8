import datetime
from dataclasses import asdict
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

from sqlalchemy import JSON, Computed, ForeignKey, and_, func
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from services.planner.ledger.tables import Entry
from services.planner.recommendations.decisions import State, Status
from services.planner.tables import Base


class Filing(Base):
    """What another service filed at once. `caller` is its principal, with the area's profile at that time."""

    __tablename__ = "filings"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    area: Mapped[str]
    caller: Mapped[dict[str, Any]]
    created_at: Mapped[datetime.datetime] = mapped_column(server_default=func.now())


class FiledOrigin(Base):
    """What a service knows a recommendation by, so that it is filed once."""

    __tablename__ = "filed_origins"

    area: Mapped[str] = mapped_column(primary_key=True)
    origin: Mapped[str] = mapped_column(primary_key=True)
    recommendation_id: Mapped[UUID] = mapped_column(ForeignKey("recommendations.id"))


class Recommendation(Base):
    """What a plan proposes, or a service files. `content` is the exact text that the ledger's entry has the digest of.

    The other columns repeat parts of it for filters; the database refuses every change.
    """

    __tablename__ = "recommendations"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    area: Mapped[str]
    plan_id: Mapped[UUID | None] = mapped_column(ForeignKey("plans.id"))
    filing_id: Mapped[UUID | None] = mapped_column(ForeignKey("filings.id"))
    type: Mapped[str]
    item: Mapped[str | None]
    location: Mapped[str | None]
    net_benefit: Mapped[Decimal]
    cost_of_inaction: Mapped[Decimal]
    route: Mapped[str]
    policy: Mapped[str | None] = mapped_column(Computed("content -> 'policy' ->> 'name'", persisted=True))
    content: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime.datetime]

    state: Mapped["RecommendationState"] = relationship(lazy="raise", viewonly=True)

    @property
    def by(self) -> UUID:
        """The plan or filing that it came with."""
        made = self.plan_id or self.filing_id
        assert made is not None  # noqa: S101  as the database checks
        return made


class RecommendationState(Base):
    """Where a recommendation stands: a projection of the ledger, which `decisions:verify` holds against it."""

    __tablename__ = "recommendation_state"

    recommendation_id: Mapped[UUID] = mapped_column(ForeignKey("recommendations.id"), primary_key=True)
    area: Mapped[str]
    status: Mapped[str]
    version: Mapped[int]
    quantity: Mapped[float | None]
    due: Mapped[datetime.date | None]
    reason_code: Mapped[str | None]
    superseded_by: Mapped[UUID | None]  # a plan or a filing
    target: Mapped[str | None]
    until: Mapped[datetime.date | None]
    source: Mapped[str | None]
    sequence: Mapped[int | None]  # ledger entry of the last change but an approval: that leaves it the decision's
    expires_on: Mapped[datetime.date | None]  # what the calendar does with it is an entry of its own

    entry: Mapped[Entry] = relationship(
        primaryjoin=lambda: and_(
            foreign(RecommendationState.area) == Entry.area, foreign(RecommendationState.sequence) == Entry.sequence
        ),
        lazy="raise",
        viewonly=True,
    )

    @property
    def value(self) -> State:
        return State(
            status=cast("Status", self.status),
            version=self.version,
            quantity=self.quantity,
            due=self.due,
            reason_code=self.reason_code,
            superseded_by=self.superseded_by,
            target=cast("Status | None", self.target),
            until=self.until,
            source=self.source,
        )

    def set(self, value: State, sequence: int) -> None:
        for name, new in asdict(value).items():
            setattr(self, name, new)
        self.sequence = sequence


class Execution(Base):
    """What the ERP last reported of one of its orders that carry out a recommendation: a projection of the ledger."""

    __tablename__ = "executions"

    recommendation_id: Mapped[UUID] = mapped_column(ForeignKey("recommendations.id"), primary_key=True)
    reference: Mapped[str] = mapped_column(primary_key=True)
    area: Mapped[str]
    status: Mapped[str]
    quantity: Mapped[float]
    due: Mapped[datetime.date]
    received_quantity: Mapped[float | None]
    received_on: Mapped[datetime.date | None]
    sequence: Mapped[int]
