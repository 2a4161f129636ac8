"""Bodies of the supply calls. Every `…In` is one row of a table body; every `…Out` one row of a list."""

import datetime
import math
from decimal import Decimal
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from shared.schemas import Code, Cost, Date, Flag, Money, Number, Positive, Quantity, Schema, Share, Whole

LONGEST = 1000
SMALLEST_LOT = 1e-6  # units: quantities are shown with six digits
MOST_LOTS = 1e12  # in one order: further, floating-point numbers cannot tell one lot more or less
SLACK = 1e-9  # of a lot: rounding in the division, not a smaller order
Lead = Annotated[Whole, Field(ge=0, le=LONGEST)]
Review = Annotated[Whole, Field(ge=1, le=LONGEST)]
Lot = Annotated[Number, Field(ge=SMALLEST_LOT)]
Portion = Annotated[Number, Field(gt=0, le=1)]
Priority = Annotated[Whole, Field(ge=1, le=LONGEST)]
Mode = Literal["buy", "make", "transfer"]
ReceiptKind = Literal["purchase", "production", "transfer"]
ReceiptStatus = Literal["firm", "released", "in_transit"]
ShortageMode = Literal["lost", "backlog"]
ALWAYS = datetime.date(1900, 1, 1)


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
    """An order under way. With `recommendation_id` it carries out that recommendation, which becomes released.

    `firm` is agreed on and not begun, `released` is with the supplier or on the shop floor, `in_transit` has left. What
    is `cancellable` can still be given back.
    """

    reference: Code
    item: Code
    location: Code
    due: Date
    quantity: Positive
    kind: ReceiptKind = "purchase"
    status: ReceiptStatus = "released"
    cancellable: Flag = False
    recommendation_id: UUID | None = None


class ScheduledReceiptOut(ScheduledReceiptIn):
    pass


class OpenOrderIn(Schema):
    """A customer's order, or one line of it; `due` is the date that the customer asked for.

    Until all of it has been shipped it is demand, which consumes the forecast of its period. Priority 1 is served
    first. `shipped` is the date of the last shipment.
    """

    reference: Code
    item: Code
    location: Code
    quantity: Positive
    due: Date
    customer: Code | None = None
    priority: Priority = 1
    ordered: Date | None = None
    shipped_quantity: Quantity = 0.0
    shipped: Date | None = None

    @model_validator(mode="after")
    def a_shipment_has_a_date(self) -> Self:
        if (self.shipped_quantity > 0) != (self.shipped is not None):
            raise ValueError("give shipped where shipped_quantity is above 0, and only there")
        return self


class OpenOrderOut(OpenOrderIn):
    pass


class SourcingRuleIn(Schema):
    """One way to supply an item-location. `source` is the supplier, the process or the location that supplies.

    An item-location may have several: by other sources, and of one source by another date from which it holds. From
    `effective_from` on it holds for orders released before `effective_to`; of two of one source that hold, the later
    one, so that a new price is a new row. Lower `priority` numbers come first; `split` is the share of all supply that
    the source should have.

    `lead_time` and `expedite_lead_time` count whole periods, `lead_time_spread` is the standard deviation of the first
    in periods. An expedited order costs `expedite_surcharge` more per unit. An order is a whole number of `multiple`,
    at least `moq` and at most `max_quantity`; costs are in the area's currency, per unit and per order.

    With `resource` and `load_per_unit` each unit takes that much of the resource in the period of its release: of a
    supplier's capacity, a dock's, or a budget in money. `carbon_per_unit` is kg CO2e of supplying and moving it.
    What is ordered can be given back until it is received where it is `cancellable`. With `strict_lots` nobody can
    decide on a quantity that `moq`, `multiple` or `max_quantity` do not allow; without, they are warned.
    """

    item: Code
    location: Code
    mode: Mode
    source: Code
    effective_from: Date = ALWAYS
    effective_to: Date | None = None
    priority: Priority = 1
    split: Portion | None = None
    lead_time: Lead
    lead_time_spread: Annotated[Number, Field(ge=0, le=LONGEST)] = 0.0
    moq: Quantity = 0.0
    multiple: Lot = 1.0
    max_quantity: Positive | None = None
    unit_cost: Cost
    order_cost: Cost = Decimal(0)
    expedite_lead_time: Lead | None = None
    expedite_surcharge: Cost | None = None
    resource: Code | None = None
    load_per_unit: Positive | None = None
    carbon_per_unit: Quantity | None = None
    cancellable: Flag = False
    strict_lots: Flag = False

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

    @model_validator(mode="after")
    def it_holds_for_some_time(self) -> Self:
        if self.effective_to is not None and self.effective_to <= self.effective_from:
            raise ValueError("effective_to must lie after effective_from")
        return self

    @model_validator(mode="after")
    def a_load_is_on_a_resource(self) -> Self:
        if (self.resource is None) != (self.load_per_unit is None):
            raise ValueError("give both of resource and load_per_unit, or none")
        return self

    @model_validator(mode="after")
    def expediting_is_faster_and_has_a_price(self) -> Self:
        if (self.expedite_lead_time is None) != (self.expedite_surcharge is None):
            raise ValueError("give both of expedite_lead_time and expedite_surcharge, or none")
        if self.expedite_lead_time is not None and self.expedite_lead_time >= self.lead_time:
            raise ValueError("expedite_lead_time must be shorter than lead_time")
        return self


class SourcingRuleOut(SourcingRuleIn):
    pass


class PlanningPolicyIn(Schema):
    """Without `item` it holds for every item, without `location` for every location; the most specific one wins.

    `shortage_cost` is money per unit lost, or per unit and period in backlog. `service_level` is the probability of
    no stock-out until the following delivery, `fill_rate` the share of demand that is served from stock until then.
    `holding_cost` is money per unit and period. Orders leave at most `max_stock` units at a period's end. In the first
    `frozen_fence` periods of a plan nothing is released.
    """

    item: Code | None = None
    location: Code | None = None
    service_level: Share | None = None
    fill_rate: Share | None = None
    shortage_cost: Cost | None = None
    shortage_mode: ShortageMode = "lost"
    review_period: Review = 1
    frozen_fence: Lead = 0
    holding_cost: Annotated[Money, Field(gt=0)] | None = None
    max_stock: Positive | None = None

    @model_validator(mode="after")
    def one_target(self) -> Self:
        given = [each for each in (self.service_level, self.fill_rate, self.shortage_cost) if each is not None]
        if len(given) != 1:
            raise ValueError("give exactly one of service_level, fill_rate and shortage_cost")
        return self


class PlanningPolicyOut(PlanningPolicyIn):
    pass
