"""Bodies of the supply calls. Every `…In` is one row of a table body; every `…Out` one row of a list."""

import math
from decimal import Decimal
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from shared.schemas import Code, Cost, Date, Money, Number, Positive, Quantity, Schema, Share, Whole

LONGEST = 1000
SMALLEST_LOT = 1e-6  # units: quantities are shown with six digits
MOST_LOTS = 1e12  # in one order: further, floating-point numbers cannot tell one lot more or less
SLACK = 1e-9  # of a lot: rounding in the division, not a smaller order
Lead = Annotated[Whole, Field(ge=0, le=LONGEST)]
Review = Annotated[Whole, Field(ge=1, le=LONGEST)]
Lot = Annotated[Number, Field(ge=SMALLEST_LOT)]
Mode = Literal["buy", "make", "transfer"]
ReceiptKind = Literal["purchase", "production", "transfer"]
ShortageMode = Literal["lost", "backlog"]


class InventoryIn(Schema):
    """Stock at the start of `as_of`. `reserved` is promised to orders outside the forecast and is not planned with."""

    item: Code
    location: Code
    as_of: Date
    on_hand: Quantity
    reserved: Quantity = 0.0


class InventoryOut(InventoryIn):
    pass


class ScheduledReceiptIn(Schema):
    """An order under way. With `recommendation_id` it carries out that recommendation, which becomes released."""

    reference: Code
    item: Code
    location: Code
    due: Date
    quantity: Positive
    kind: ReceiptKind = "purchase"
    recommendation_id: UUID | None = None


class ScheduledReceiptOut(ScheduledReceiptIn):
    pass


class SourcingRuleIn(Schema):
    """`source` is the supplier, the process or the location that supplies. `lead_time` counts whole periods.

    An order is a whole number of `multiple`, at least `moq` and at most `max_quantity`; costs are in the area's
    currency, per unit and per order.
    """

    item: Code
    location: Code
    mode: Mode
    source: Code
    lead_time: Lead
    moq: Quantity = 0.0
    multiple: Lot = 1.0
    max_quantity: Positive | None = None
    unit_cost: Cost
    order_cost: Cost = Decimal(0)

    @model_validator(mode="after")
    def some_order_is_possible(self) -> Self:
        if self.moq > self.multiple * MOST_LOTS:
            raise ValueError(f"moq is more than {MOST_LOTS:.0e} times multiple")
        most = math.inf if self.max_quantity is None else self.max_quantity
        smallest = max(math.ceil(self.moq / self.multiple - SLACK), 1)
        if smallest > most / self.multiple + SLACK:
            raise ValueError("no multiple lies between moq and max_quantity")
        return self

    @model_validator(mode="after")
    def a_transfer_comes_from_elsewhere(self) -> Self:
        if self.mode == "transfer" and self.source == self.location:
            raise ValueError("a transfer needs another location as its source")
        return self


class SourcingRuleOut(SourcingRuleIn):
    pass


class PlanningPolicyIn(Schema):
    """Without `item` it holds for every item, without `location` for every location; the most specific one wins.

    `shortage_cost` is money per unit lost, or per unit and period in backlog. `service_level` is the probability of
    no stock-out until the following delivery. `holding_cost` is money per unit and period.
    """

    item: Code | None = None
    location: Code | None = None
    service_level: Share | None = None
    shortage_cost: Cost | None = None
    shortage_mode: ShortageMode = "lost"
    review_period: Review = 1
    holding_cost: Annotated[Money, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def one_target(self) -> Self:
        if (self.service_level is None) == (self.shortage_cost is None):
            raise ValueError("give exactly one of service_level and shortage_cost")
        return self


class PlanningPolicyOut(PlanningPolicyIn):
    pass
