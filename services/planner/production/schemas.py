"""Bodies of the calls about how goods are made. Every `…In` is one row of a table body; every `…Out` one of a list.

A process and what it needs are three flat tables, not one nested body: so each comes in every table format and by
imports, one row changes one component, and they are what an ERP exports (BOM items, routing operations).
"""

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from services.planner.supply.schemas import Lead, Portion
from shared.schemas import Code, Cost, Date, Number, Positive, Quantity, Schema


class ProcessIn(Schema):
    """A way to make `item` at `location`: the `source` of a sourcing rule that says make.

    `yield_rate` is the share of what is begun that comes out good. Lead time, lots and costs are the rule's. Where an
    area has no process at all, what it makes is planned as if it were bought.
    """

    process: Code
    item: Code
    location: Code
    yield_rate: Portion = 1.0


class ProcessOut(ProcessIn):
    pass


class ProcessComponentIn(Schema):
    """What a process takes of another item, at its own location: one line of the bill of materials.

    `quantity_per` is per unit begun, of which `scrap_rate` is lost on top: a good unit takes
    quantity_per / (1 - scrap_rate) / yield_rate. It is taken `offset` periods after the release. `uom` is the unit that
    `quantity_per` is told in; a plan compares it with the item's.
    """

    process: Code
    component: Code
    quantity_per: Positive
    scrap_rate: Annotated[Number, Field(ge=0, lt=1)] = 0.0
    offset: Lead = 0
    uom: Code | None = None


class ProcessComponentOut(ProcessComponentIn):
    pass


class ProcessLoadIn(Schema):
    """What a process takes of a resource, in the period of its release: one operation of the routing.

    `hours_per_unit` is per unit begun, `setup_hours` per order.
    """

    process: Code
    resource: Code
    hours_per_unit: Quantity
    setup_hours: Quantity = 0.0


class ProcessLoadOut(ProcessLoadIn):
    pass


class ResourceIn(Schema):
    """What limits production. `overtime_cost` is money per hour of overtime.

    `hours` and `overtime_hours` are those of each period of which resource-capacity says nothing.
    """

    resource: Code
    hours: Quantity | None = None
    overtime_hours: Quantity = 0.0
    overtime_cost: Cost = Decimal(0)


class ResourceOut(ResourceIn):
    pass


class ResourceCapacityIn(Schema):
    """Hours of a resource on `day`. Those of all days that lie in one period add up and replace the usual ones."""

    resource: Code
    day: Date
    hours: Quantity
    overtime_hours: Quantity = 0.0


class ResourceCapacityOut(ResourceCapacityIn):
    pass
