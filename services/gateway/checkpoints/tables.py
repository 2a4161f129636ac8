import datetime

from sqlalchemy import DateTime, LargeBinary, func
from sqlalchemy.orm import Mapped, mapped_column

from services.gateway.database import Base


class SigningKey(Base):
    """An Ed25519 key; `key` is what checkpoints name it by. The newest one signs."""

    __tablename__ = "signing_keys"

    key: Mapped[str] = mapped_column(primary_key=True)
    private: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime.datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class Checkpoint(Base):
    """A signed checkpoint of an area's chains, as it was given out."""

    __tablename__ = "checkpoints"

    area: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime.datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    token: Mapped[str]
