from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from services.planner.tables import Base


class ReferenceDatum(Base):
    """A versioned document of an area: a reason code, the approval rules. `decisions:verify` holds it to the ledger."""

    __tablename__ = "reference_data"

    area: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    content: Mapped[dict[str, Any]]
