"""Bodies of the KPI call."""

import datetime
from typing import Any
from uuid import UUID

from services.planner.plans.schemas import NumberFigure
from shared.schemas import Amount, Schema


class TwoWaysOut(Schema):
    """`backward`: by the demand of the last `past_periods`; `forward`: by what is expected over the horizon.

    Null where there was, or is expected, nothing to divide by.
    """

    backward: float | None
    forward: float | None


class OtifOut(Schema):
    """On time in full: shipped whole by the date that the customer asked for. `share` is null without lines."""

    share: float | None
    lines: int


class CycleTimeOut(Schema):
    """Mean days from a line's order to its last shipment, of those whose day of order is known; null without any."""

    days: float | None
    lines: int


class UtilisationOut(Schema):
    """Load by regular hours: over all resources and periods of the plan, and of the fullest period of a resource."""

    mean: float
    peak: float


class MarginOut(Schema):
    """Expected over the horizon, of the `item_locations` that are sold at a known price; `share` is of the revenue."""

    revenue: Amount
    cost_of_sales: Amount
    margin: Amount
    share: float | None
    item_locations: int


class CarbonOut(Schema):
    """kg CO2e of what the plan expects to release, of the `item_locations` whose sourcing rules tell it."""

    kg: float
    item_locations: int


class KpiOut(Schema):
    """The area's figures, over all item-locations that the newest plan of the base could plan.

    Stock is that of `as_of` less what is reserved, demand is valued at unit cost, as the cost of goods sold would be.

    inventory: stock at unit cost. average_inventory: its mean over the ends of the plan's periods, on the sample paths.
    turns: demand at cost in a year, by the stock of `as_of` (backward) and by the average inventory (forward).
    days_of_supply: stock by a day's demand (backward); how long it lasts the expected demand, weighted by value, the
    horizon at most (forward).
    otif: of the lines of `open-orders` due in the `past_periods` before `as_of`. order_fulfilment_cycle_time: of those
    shipped whole in them. capacity_utilisation: of the plan; null where it needs no resource.
    gross_margin: what the plan expects to serve, at the items' `unit_price`, less its unit cost. carbon: by the rules'
    `carbon_per_unit`, transport included; both null where nothing tells them.
    fill_rate: expected over the horizon, with P10 and P90 over the sample paths.
    excess: stock beyond the expected demand of the horizon. obsolete: stock of what had no demand in `past_periods`
    and has none in the forecast.
    forecast_accuracy: of the forecast's model in its backtest (lag and periods as `GET models/versions` says); null for
    a forecast from elsewhere.
    plan_instability: what planned releases of the first `instability_periods` periods differ from those of the plan
    before, in units, by the sum of those; null where there is none to compare with.
    """

    plan: UUID
    as_of: datetime.date
    currency: str
    item_locations: int
    periods: int
    past_periods: int
    inventory: Amount
    average_inventory: Amount
    turns: TwoWaysOut
    days_of_supply: TwoWaysOut
    fill_rate: NumberFigure
    gross_margin: MarginOut | None
    carbon: CarbonOut | None
    otif: OtifOut
    order_fulfilment_cycle_time: CycleTimeOut
    capacity_utilisation: UtilisationOut | None
    excess: Amount
    obsolete: Amount
    forecast_accuracy: dict[str, Any] | None
    plan_instability: float | None
    instability_periods: int
