"""Bodies of the reason code and approval rule calls."""

import datetime
from typing import Annotated, Self

from pydantic import Field, model_validator

from shared.schemas import Cost, Date, Flag, Label, Schema, Whole

LONGEST_FENCE = 1000


class ReasonCodeIn(Schema):
    """A reason that an override or a rejection may give, from `active_from` on until the day before `active_until`.

    A system code keeps its meaning and whether it needs a note: leave both out. A code of your own needs a meaning.
    """

    meaning: Annotated[Label, Field(min_length=1)] | None = None
    note_required: Flag | None = None
    active_from: Date | None = None
    active_until: Date | None = None

    @model_validator(mode="after")
    def some_day_is_left(self) -> Self:
        if self.active_from and self.active_until and self.active_from >= self.active_until:
            raise ValueError("active_until must be after active_from")
        return self


class ReasonCodeOut(Schema):
    """`active`: today, in the area's time zone. `version` is what a change sends in If-Match, 0 for a new code."""

    code: str
    meaning: str
    note_required: bool
    active_from: datetime.date | None
    active_until: datetime.date | None
    system: bool
    active: bool
    version: int

    def inactive_on(self, day: datetime.date) -> str | None:
        """Why the code cannot be used on a day; None where it can."""
        if self.active_from is not None and day < self.active_from:
            return f"{self.code} is active from {self.active_from} on"
        if self.active_until is not None and day >= self.active_until:
            return f"{self.code} is no longer active since {self.active_until}"
        return None


class ApprovalRules(Schema):
    """What a second person must approve; null asks for nobody. Money in the area's currency.

    order_value_above: accepted and overridden orders that cost more to purchase. cost_increase_above: overrides that
    are expected to cost more than that above the recommendation. frozen_fence: overrides of what is received, as
    recommended or as decided, within so many periods from the plan's as-of date.
    """

    order_value_above: Cost | None = None
    cost_increase_above: Cost | None = None
    frozen_fence: Annotated[Whole, Field(ge=1, le=LONGEST_FENCE)] | None = None


class ApprovalRulesOut(ApprovalRules):
    version: int
