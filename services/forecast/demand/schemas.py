from typing import Annotated, Any

from pydantic import BeforeValidator

from shared.schemas import Code, Date, Flag, Quantity, Schema


def _netted(value: Any) -> Any:
    number = type(value) in {int, float}
    if (number and value < 0) or (isinstance(value, str) and value.startswith("-")):
        raise ValueError("must not be negative: net returns with the demand of the period they belong to")
    return value


class DemandIn(Schema):
    """Demand of one item-location in one period. `in_stock` false marks sales that a stock-out may have cut short."""

    item: Code
    location: Code
    period: Date
    quantity: Annotated[Quantity, BeforeValidator(_netted)]
    in_stock: Flag = True


class DemandOut(DemandIn):
    pass
