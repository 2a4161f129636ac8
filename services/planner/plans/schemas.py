"""Bodies of the plan calls."""

import datetime
from decimal import Decimal
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from services.planner.plans.tables import Plan
from services.planner.recommendations.schemas import PegOut
from shared.jobs import RunOut
from shared.schemas import Amount, Date, Flag, Key, Schema, Whole

LONGEST = 1000
ZERO = Decimal("0.00")


class PlanIn(Schema):
    """By default the newest forecast is planned on, from its first period to its last.

    With a `scenario` it is a what-if: what it recommends is shown by `GET plans/{plan}/recommendations`, and nobody can
    decide on it. With `net_change` only item-locations whose data have changed since the newest plan are planned anew,
    and recommendations for the others stay as they are, also those that were rejected.
    """

    forecast: UUID | Literal["latest", "consensus"] = "latest"
    as_of: Date | None = None
    horizon: Annotated[Whole, Field(ge=1, le=LONGEST)] | None = None
    scenario: Key | None = None
    net_change: Flag = False

    @model_validator(mode="after")
    def _a_scenario_takes_over_anyway(self) -> Self:
        if self.scenario is not None and self.net_change:
            raise ValueError("net_change is for plans without a scenario; one with a scenario takes over what it can")
        return self


class MoneyFigure(Schema):
    """Mean over the sample paths and quantiles of their totals."""

    mean: Amount
    p10: Amount
    p50: Amount
    p90: Amount


class NumberFigure(Schema):
    mean: float
    p10: float
    p50: float
    p90: float


class CostOut(Schema):
    """Over the horizon. The means of the parts add up to the mean of the total; quantiles do not add up.

    `purchase` is the price of all that is bought, made or moved; what hours of overtime cost is in `overtime`, what is
    past its shelf life, at unit cost, in `waste`.
    `relevant` is the total less the purchase: policies are compared by it, because bought goods keep their value.
    """

    total: MoneyFigure
    relevant: MoneyFigure
    holding: MoneyFigure
    shortage: MoneyFigure
    ordering: MoneyFigure
    purchase: MoneyFigure
    overtime: MoneyFigure = MoneyFigure(mean=ZERO, p10=ZERO, p50=ZERO, p90=ZERO)
    waste: MoneyFigure = MoneyFigure(mean=ZERO, p10=ZERO, p50=ZERO, p90=ZERO)


class KpisOut(Schema):
    """Stock is the average over the horizon's period ends: in units of all items together, and at unit cost."""

    cost: CostOut
    fill_rate: NumberFigure
    stockout_probability: NumberFigure
    mean_stock: NumberFigure
    stock_value: MoneyFigure


class ComparisonOut(Schema):
    """The plan beside what it is measured against, on the same sample paths.

    nothing: no new order in the whole horizon. benchmark: the average of the last 13 periods, four periods of cover.
    """

    plan: KpisOut
    nothing: KpisOut
    benchmark: KpisOut


class ComponentsOut(Schema):
    """Groups that one method planned: how many, what they cost on the mean forecast, and what no plan undercuts.

    The cost is that of the deterministic programme, which pays for safety stock that is lacking; the plan's own figures
    are those of the sample paths. `gap` is that of all of them together, `worst_gap` the largest of one. A `status` of
    `time_limit` says that a search was ended by the clock: with more time it may find better.
    """

    method: str
    status: str
    components: int
    item_locations: int
    cost: Amount
    bound: Amount
    gap: float
    worst_gap: float


class MethodOut(Schema):
    """How the plan was found. `bound` and `gap` are null where the method proves no bound.

    `components` are groups of item-locations that had to be planned together, by the method that planned them.
    """

    name: str
    detail: str
    paths: int
    bound: Amount | None
    gap: float | None
    components: list[ComponentsOut] = Field(default_factory=list)


class CountsOut(Schema):
    item_locations: int
    planned: int
    orders: int
    data_fixes: int


class PlanWarningOut(Schema):
    """What was assumed or left out; `count` says how many rows it concerns."""

    code: str
    detail: str
    count: int


class PlanOut(RunOut):
    """A plan run; what follows `net_change` is null until it has succeeded. Money is in `currency`.

    `taken_over` item-locations have the numbers that they have in the plan `base`, null where none was needed.
    """

    currency: str
    seed: int
    scenario: str | None
    scenario_version: int | None
    net_change: bool
    base: UUID | None
    taken_over: int | None
    forecast: UUID | None
    model_version: int | None
    as_of: datetime.date | None
    periods: list[datetime.date] | None
    method: MethodOut | None
    kpis: ComparisonOut | None
    counts: CountsOut | None
    warnings: list[PlanWarningOut] | None
    input_digest: str | None
    output_digest: str | None
    code_version: str | None

    @classmethod
    def of(cls, run: Plan) -> Self:
        named = cls.model_fields.keys() - RunOut.model_fields.keys() - {"currency", "forecast", "base"}
        values = {name: getattr(run, name) for name in named}
        currency = run.caller["area"]["currency"]
        return cls(**cls.fields(run), **values, currency=currency, forecast=run.forecast_id, base=run.base_id)


class PlanLineOut(Schema):
    """Projection of an item-location in one period: means over the paths in the item's unit, money in the area's.

    `demand` is what customers have ordered for the period (`open_orders`, overdue ones in the first), what the
    forecast expects beyond that (`net_forecast`), and what orders for other item-locations take (`dependent_demand`).
    Only orders that are recommended are in whole lots; later receipts and releases are expectations, but where
    item-locations are planned together they are the plan's orders, less what their components do not suffice for.
    """

    item: str
    location: str
    period: datetime.date
    demand: float
    open_orders: float
    net_forecast: float
    dependent_demand: float
    scheduled_receipts: float
    planned_receipts: float
    planned_releases: float
    available: float
    available_p10: float
    available_p50: float
    available_p90: float
    safety_stock: float
    shortage: float
    stockout_probability: float
    backlog: float
    holding_cost: Amount
    shortage_cost: Amount
    ordering_cost: Amount
    purchase_cost: Amount


class PlanResourceOut(Schema):
    """What a plan takes of a resource in one period, in hours; means over the paths.

    `available` are the regular hours, `overtime` those that the load exceeds them by. `utilisation` is the load's share
    of the regular hours, null where there are none. `price` is what one more regular hour would save: it is told where
    solving again with a little more confirms it.
    """

    resource: str
    period: datetime.date
    load: float
    available: float
    overtime: float
    overtime_available: float
    utilisation: float | None
    overtime_cost: Amount
    price: Amount | None


class ExceptionOut(Schema):
    """An item-location that runs out, from `period` on, in more of the sample paths than its target accepts.

    `expected_shortage` (units) and `value_at_risk` (its cost) are those of all such periods. `cause` is why the first
    of them is not averted: backlog that is there already, a lead time or frozen fence that nothing released now beats,
    no release in time (rule or outage), hours that are all taken, components that run out, the largest order, an order
    that costs more than it saves, or demand beyond what it pays to cover.
    """

    item: str
    location: str
    period: datetime.date
    expected_shortage: float
    value_at_risk: Amount
    cause: Literal[
        "backlog",
        "lead_time",
        "frozen_fence",
        "no_release_in_time",
        "capacity",
        "components",
        "max_quantity",
        "order_cost",
        "demand",
    ]


class PeggingOut(Schema):
    items: list[PegOut]


PlanName = UUID | Literal["latest", "published"]
