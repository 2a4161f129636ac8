"""Bodies of the event calls."""

import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from shared.schemas import Schema

MOST_AT_ONCE = 500
Text = Annotated[str, Field(min_length=1, max_length=200)]


class EventIn(Schema):
    id: UUID
    type: Text
    source: Literal["forecast", "planner", "gateway"]
    subject: Text
    at: datetime.datetime
    data: dict[str, Any]


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
