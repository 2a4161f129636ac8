import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from shared.schemas import Flag, Label, Schema, Whole


class ApiKeyIn(Schema):
    """A new key. delegate: whether its calls may name the person for whom they are made (`On-Behalf-Of`)."""

    principal: UUID
    label: Label = ""
    delegate: Flag = False
    expires_in_days: Annotated[Whole, Field(ge=1, le=366)] = 90


class ApiKeyOut(Schema):
    """A key without its secret. last_used_at is right to the hour."""

    id: str
    principal: UUID
    label: str
    delegate: bool
    created_at: datetime.datetime
    expires_at: datetime.datetime | None
    revoked_at: datetime.datetime | None
    last_used_at: datetime.datetime | None


class NewApiKeyOut(ApiKeyOut):
    """A key as it is shown once, when it is made."""

    key: str
