"""What all tables of the forecast service have in common."""

import datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import DateTime, Numeric, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase

from shared import db


class Base(DeclarativeBase):
    metadata = db.metadata()
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text(),
        datetime.datetime: DateTime(timezone=True),
        Decimal: Numeric(),
        dict[str, Any]: JSONB(),
        list[dict[str, Any]]: JSONB(),
    }
