"""Bodies of the planning cycle calls."""

import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from shared.schemas import Date, Label, Note, Schema

Status = Literal["open", "demand_review", "supply_review", "approved", "published", "closed"]
Action = Literal["advance", "return"]


class CycleIn(Schema):
    """A round of planning; `due` is the day by which its plan is to be published."""

    description: Label | None = None
    due: Date | None = None


class StepIn(Schema):
    """`advance` to the next step, or `return` to the one before with a `note` that says why.

    Into the supply review goes the `forecast` that the demand review agreed on: from then on the cycle rests on it.
    Approval names the `plan`, one that was made on that forecast.
    """

    action: Action
    forecast: UUID | None = None
    plan: UUID | None = None
    note: Annotated[Note, Field(min_length=1)] | None = None


class StepOut(Schema):
    status: Status
    at: datetime.datetime
    by: str
    note: str | None


class CycleOut(CycleIn):
    """`version` is what a step sends in If-Match. `steps` are those that were taken, with who took them."""

    cycle: str
    status: Status
    forecast: UUID | None
    plan: UUID | None
    version: int
    steps: list[StepOut]
