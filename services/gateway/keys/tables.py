import datetime
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, func
from sqlalchemy.orm import Mapped, mapped_column

from services.gateway.database import Base
from services.gateway.principals.tables import PrincipalRow


class ApiKey(Base):
    """A key of a principal; of its secret only the hash.

    installed: it comes from the environment of the gateway. last_used_at is right to the hour.
    """

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(primary_key=True)
    principal_id: Mapped[UUID] = mapped_column(ForeignKey(PrincipalRow.id))
    label: Mapped[str] = mapped_column(default="")
    secret_hash: Mapped[bytes]
    delegate: Mapped[bool] = mapped_column(default=False)
    installed: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime.datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    expires_at: Mapped[datetime.datetime | None] = mapped_column(DateTime(timezone=True))
    revoked_at: Mapped[datetime.datetime | None] = mapped_column(DateTime(timezone=True))
    last_used_at: Mapped[datetime.datetime | None] = mapped_column(DateTime(timezone=True))
