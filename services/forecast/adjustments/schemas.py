"""Bodies of the adjustment calls."""

import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AliasChoices, Field, model_validator

from shared.reasons import MEANINGS, OTHER
from shared.schemas import Code, Date, Key, Label, Note, Number, Schema

MOST_FACTOR = 1e6
Action = Literal["set", "add", "scale"]


class AdjustmentIn(Schema):
    """What people know and the forecast does not: in periods that begin from `from` to `to`, by default all.

    It concerns what `item`, `location`, `category` (and those below it) and `region` name together, by default all.
    `scale` multiplies; `add` adds `value` units a period and `set` makes them the total, each shared out by what is
    forecast of the item-locations. `reason_code` is one of the system's; `OTHER` needs a `note`. After `expires_on` it
    is applied to no new consensus forecast.
    """

    action: Action
    value: Number
    item: Code | None = None
    location: Code | None = None
    category: Label | None = None
    region: Label | None = None
    first: Annotated[Date | None, Field(alias="from")] = None
    last: Annotated[Date | None, Field(alias="to")] = None
    reason_code: Key
    note: Annotated[Note, Field(min_length=1)] | None = None
    expires_on: Date | None = None

    @model_validator(mode="after")
    def _sensible(self) -> "AdjustmentIn":
        if self.action != "add" and self.value < 0:
            raise ValueError(f"{self.action} takes no value below 0")
        if self.action == "scale" and self.value > MOST_FACTOR:
            raise ValueError(f"scale takes no value above {MOST_FACTOR:.0e}")
        if self.first is not None and self.last is not None and self.first > self.last:
            raise ValueError("from is after to")
        if self.reason_code not in MEANINGS:
            raise ValueError(f"reason_code is one of {', '.join(MEANINGS)}")
        if self.reason_code == OTHER and self.note is None:
            raise ValueError("note is required with OTHER")
        return self


def _named(public: str, own: str) -> Any:
    """A field whose public name is a word of the language; the contract describes it by that name."""
    return Field(validation_alias=AliasChoices(public, own), serialization_alias=public)


class AdjustmentOut(Schema):
    """`sequence` is that of its entry in the ledger: adjustments are applied one after the other in this order."""

    id: UUID
    sequence: int
    action: Action
    value: float
    item: str | None
    location: str | None
    category: str | None
    region: str | None
    first: Annotated[datetime.date | None, _named("from", "first")]
    last: Annotated[datetime.date | None, _named("to", "last")]
    reason_code: str
    note: str | None
    expires_on: datetime.date | None
    author: str
    created_at: datetime.datetime
    withdrawn_by: str | None
    withdrawn_at: datetime.datetime | None
