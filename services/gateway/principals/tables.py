import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from services.gateway.access import Role
from services.gateway.database import Base
from shared.ids import uuid7

Kind = Literal["person", "system"]


class PrincipalRow(Base):
    """A person or a system that calls."""

    __tablename__ = "principals"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    name: Mapped[str]
    kind: Mapped[Kind] = mapped_column(Text)
    created_at: Mapped[datetime.datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class RoleGrant(Base):
    """One role of a principal in one area, or in every area, those to come included, where `area` is `*`."""

    __tablename__ = "role_grants"

    principal_id: Mapped[UUID] = mapped_column(ForeignKey("principals.id"), primary_key=True)
    area: Mapped[str] = mapped_column(primary_key=True)
    role: Mapped[Role] = mapped_column(Text, primary_key=True)
