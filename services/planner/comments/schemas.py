"""Bodies of the comment calls."""

import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from shared.schemas import Key, Note, Schema

About = Literal["forecast", "plan", "cycle", "recommendation"]


class CommentIn(Schema):
    """`subject` is the id of the forecast, plan or recommendation, or the cycle's name; `assignee` who is to answer."""

    about: About
    subject: Key
    text: Annotated[Note, Field(min_length=1)]
    assignee: Key | None = None


class CommentOut(CommentIn):
    id: UUID
    author: str
    created_at: datetime.datetime
    resolved_by: str | None
    resolved_at: datetime.datetime | None
