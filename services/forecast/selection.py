"""Which rows of a table over item-locations and periods a caller wants to see."""

import datetime
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute


@dataclass(frozen=True)
class Selection:
    """Of one item or location where given, from `first` to `last` period, both included."""

    item: str | None = None
    location: str | None = None
    first: datetime.date | None = None
    last: datetime.date | None = None

    def of[*C](
        self,
        found: Select[*C],
        item: InstrumentedAttribute[Any],
        location: InstrumentedAttribute[Any],
        period: InstrumentedAttribute[datetime.date] | None = None,
    ) -> Select[*C]:
        """`found`, narrowed by the columns that hold item, location and, where it has one, period."""
        if self.item is not None:
            found = found.where(item == self.item)
        if self.location is not None:
            found = found.where(location == self.location)
        if period is not None and self.first is not None:
            found = found.where(period >= self.first)
        if period is not None and self.last is not None:
            found = found.where(period <= self.last)
        return found
