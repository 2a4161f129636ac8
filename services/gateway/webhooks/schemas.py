"""Bodies of the webhook calls."""

import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from shared.schemas import Schema, Whole

Url = Annotated[str, StringConstraints(strict=True, pattern=r"^https?://[^\s/?#@]+(?:[/?][^\s#]*)?$", max_length=2000)]
Type = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z_]+\.[a-z_]+$", max_length=200)]


class EndpointIn(Schema):
    """`types` of events to deliver, by default all. `after`: the last that is not delivered, by default the newest."""

    url: Url
    types: Annotated[list[Type], Field(min_length=1, max_length=100)] | None = None
    after: Annotated[Whole, Field(ge=0, lt=2**31)] | None = None


class EndpointOut(Schema):
    """`cursor` is the last event that is done with, `attempts` how often the next one failed, `due` when it is tried.

    `disabled` says why nothing is delivered any more; null while all is well. A replay enables it again.
    """

    id: UUID
    url: str
    types: list[str] | None
    cursor: int
    attempts: int
    due: datetime.datetime
    disabled: str | None
    created_at: datetime.datetime


class NewEndpointOut(EndpointOut):
    """`secret` is shown this once: signatures are made with it (Standard Webhooks, `whsec_` and base64)."""

    secret: str


class ReplayIn(Schema):
    """Deliver anew what came after `after`, or go on where it stopped."""

    after: Annotated[Whole, Field(ge=0, lt=2**31)] | None = None


class DeliveryOut(Schema):
    """One attempt. `status` is what the receiver answered, `error` why there was none; sequence 0 is a test."""

    number: int
    sequence: int
    attempt: int
    at: datetime.datetime
    status: int | None
    error: str | None
