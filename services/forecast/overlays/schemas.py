import datetime
from typing import Annotated

from pydantic import ConfigDict, Field, model_validator

from shared.schemas import Code, Date, Key, Label, Number, Quantity, Schema, Share

MOST_OVERLAYS = 100


class OverlayIn(Schema):
    """A change to what a forecast rests on, in the periods `from` to `to` of its horizon, by default all of them.

    With a `driver` it is a what-if: in these periods the driver has the `value`, or its values are multiplied by
    `scale`. Without, it is a shock to the forecast itself: mean and quantiles are multiplied by `scale`, or `add` is
    added to them; with `decay` each period keeps that share less of the effect than the one before. `item`, `location`
    and, of a shock, `category` say whom it concerns, by default all.
    """

    model_config = ConfigDict(serialize_by_alias=True)

    driver: Key | None = None
    item: Code | None = None
    location: Code | None = None
    category: Label | None = None
    first: Annotated[Date | None, Field(alias="from")] = None
    last: Annotated[Date | None, Field(alias="to")] = None
    value: Number | None = None
    scale: Quantity | None = None
    add: Number | None = None
    decay: Share | None = None

    @model_validator(mode="after")
    def _one_change(self) -> "OverlayIn":
        if self.driver is not None and (self.add, self.decay, self.category) != (None, None, None):
            raise ValueError("a driver takes value or scale, and neither add nor decay nor category")
        if self.driver is None and self.value is not None:
            raise ValueError("value needs a driver; without one it is a shock, which takes scale or add")
        if [self.value, self.scale, self.add].count(None) != 2:  # noqa: PLR2004
            raise ValueError("give exactly one of value, scale and add")
        if self.first is not None and self.last is not None and self.first > self.last:
            raise ValueError("from is after to")
        return self

    def covers(self, period: datetime.date) -> bool:
        return (self.first or datetime.date.min) <= period <= (self.last or datetime.date.max)
