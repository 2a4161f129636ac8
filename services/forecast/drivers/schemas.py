from typing import Annotated, Literal

from pydantic import Field

from shared.schemas import Code, Date, Flag, Label, Number, Schema, Whole

Kind = Literal["price", "promotion", "weather", "economic", "event"]
Scope = Literal["item-location", "item", "location", "global"]


class DriverIn(Schema):
    """What a driver is.

    A driver that is `known_ahead` has values for future periods, which a forecast uses as they are. Of any other the
    value of period p is first used for a forecast whose first period is p + `publication_delay`.
    """

    kind: Kind
    known_ahead: Flag
    scope: Scope
    publication_delay: Annotated[Whole, Field(ge=1, le=1000)] = 1
    description: Label | None = None


class DriverOut(DriverIn):
    driver: str
    version: int


class ValueIn(Schema):
    """A driver's value in one period; item and location exactly as far as the driver's scope asks for them."""

    item: Code | None = None
    location: Code | None = None
    period: Date
    value: Number


class ValueOut(ValueIn):
    pass
