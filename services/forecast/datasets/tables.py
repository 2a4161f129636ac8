import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from services.forecast.tables import Base


class Dataset(Base):
    """A dataset that runs of an area have read: `tables` with rows and bytes each, and when a run last read it.

    `pruned_at` is set before the first of its blocks is deleted.
    """

    __tablename__ = "datasets"
    __table_args__ = (Index(None, "area", "created_at", "digest"),)

    area: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(primary_key=True)
    tables: Mapped[list[dict[str, Any]]]
    bytes: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime.datetime] = mapped_column(server_default=func.now())
    last_used_at: Mapped[datetime.datetime] = mapped_column(server_default=func.now())
    pruned_at: Mapped[datetime.datetime | None]
