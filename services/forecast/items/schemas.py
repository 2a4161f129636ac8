from typing import Annotated, Literal

from pydantic import Field

from shared.schemas import Code, Cost, Label, Schema, Whole


class ItemIn(Schema):
    """An item as the ERP knows it. `category` may be a path such as `food/dairy`; `uom` is the unit of quantities."""

    item: Code
    description: Label | None = None
    category: Label | None = None
    uom: Code = "unit"
    unit_cost: Cost | None = None
    unit_price: Cost | None = None
    shelf_life_days: Annotated[Whole, Field(ge=1, le=36_500)] | None = None


class LocationIn(Schema):
    location: Code
    description: Label | None = None
    region: Label | None = None
    kind: Literal["plant", "dc", "store", "other"] | None = None


class ItemOut(ItemIn):
    pass


class LocationOut(LocationIn):
    pass
