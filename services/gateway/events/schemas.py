"""Bodies of the event calls."""

import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from shared.schemas import FIRST_YEAR, LAST_YEAR, Code, Facts, Schema

MOST_AT_ONCE = 500
_FIRST = datetime.datetime(FIRST_YEAR, 1, 1, tzinfo=datetime.UTC)
_LAST = datetime.datetime(LAST_YEAR + 1, 1, 1, tzinfo=datetime.UTC)


class EventIn(Schema):
    id: UUID
    type: Code
    source: Literal["forecast", "planner", "gateway"]
    subject: Code
    at: Annotated[AwareDatetime, Field(ge=_FIRST, lt=_LAST)]
    data: Facts


class EventsIn(Schema):
    """Events in their order; one that is known by its id is passed over."""

    events: Annotated[list[EventIn], Field(min_length=1, max_length=MOST_AT_ONCE)]


class EventOut(Schema):
    """What happened. `sequence` counts in the area; `id` stays the same however often it is delivered.

    `type` is an entry of a ledger (`decision.accept`, `decision.plan`, `decision.adjust` …, with its `sequence` there,
    its `actor` and `body`), the end of a run (`plans.succeeded`, `forecasts.failed` …), or `ledger.checkpoint`.
    """

    sequence: int
    id: UUID
    type: str
    source: str
    subject: str
    at: datetime.datetime
    data: dict[str, Any]


class FeedOut(Schema):
    """`next_after` is what to ask for next: the last sequence of these, or the one that was asked after."""

    items: list[EventOut]
    next_after: int
