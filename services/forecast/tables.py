"""What all tables of the forecast service have in common."""

from typing import Any

from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared import db
from shared.jobs import Run


class Base(DeclarativeBase):
    metadata = db.metadata()
    type_annotation_map = db.COLUMN_TYPES


class DataRun(Run):
    """Columns of a run that reads an area's data: which data (`input_digest`), which code, what to know of it."""

    input_digest: Mapped[str | None]
    code_version: Mapped[str | None]
    warnings: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
