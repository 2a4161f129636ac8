"""What all tables of the forecast service have in common."""

import datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import DateTime, Numeric, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared import db
from shared.jobs import Run


class Base(DeclarativeBase):
    metadata = db.metadata()
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text(),
        datetime.datetime: DateTime(timezone=True),
        Decimal: Numeric(),
        dict[str, Any]: JSONB(),
        list[dict[str, Any]]: JSONB(),
    }


class DataRun(Run):
    """Columns of a run that reads an area's data: which data (`input_digest`), which code, what to know of it."""

    input_digest: Mapped[str | None]
    code_version: Mapped[str | None]
    warnings: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
