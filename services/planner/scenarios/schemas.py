"""Bodies of the scenario calls. A scenario is a list of deltas, each of one of the kinds below."""

import datetime
from decimal import Decimal
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from shared.schemas import Amount, Code, Cost, Date, Flag, Key, Label, Number, Quantity, Schema, Share, Whole

MOST_DELTAS = 50
LONGEST = 1000
Reason = Annotated[Label, StringConstraints(min_length=1)]
Version = Annotated[Whole, Field(ge=1, lt=2**31)]
Factor = Annotated[Number, Field(ge=0, le=1e6)]


def _one_of(delta: Schema, *names: str) -> None:
    if [getattr(delta, name) for name in names].count(None) != len(names) - 1:
        raise ValueError(f"give exactly one of {' and '.join(names)}")


class _Delta(Schema):
    """`item` and `location` say whom it concerns, by default all."""

    model_config = ConfigDict(serialize_by_alias=True)

    item: Code | None = None
    location: Code | None = None


class _Spanned(Schema):
    """In the periods that begin from `from` to `to`, by default all of the horizon."""

    model_config = ConfigDict(serialize_by_alias=True)

    first: Annotated[Date | None, Field(alias="from")] = None
    last: Annotated[Date | None, Field(alias="to")] = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.first is not None and self.last is not None and self.first > self.last:
            raise ValueError("from is after to")
        return self

    def covers(self, period: datetime.date) -> bool:
        return (self.first or datetime.date.min) <= period <= (self.last or datetime.date.max)


class _Timed(_Spanned, _Delta):
    pass


class _Sourced(_Delta):
    """With `source` only what that supplier, process or location supplies."""

    source: Code | None = None


class DemandDelta(_Timed):
    """Mean and quantiles of the forecast times `scale`, or with `add` units added in each period; never below 0.

    It is applied when the plan is made, to whatever forecast the plan rests on.
    """

    kind: Literal["demand"]
    scale: Factor | None = None
    add: Number | None = None

    @model_validator(mode="after")
    def _one(self) -> "DemandDelta":
        _one_of(self, "scale", "add")
        return self


class DriverDelta(_Timed):
    """Another `value` of a driver that is known ahead, or its values times `scale`: forecast anew for the plan."""

    kind: Literal["driver"]
    driver: Key
    value: Number | None = None
    scale: Quantity | None = None

    @model_validator(mode="after")
    def _one(self) -> "DriverDelta":
        _one_of(self, "value", "scale")
        return self


class ShockDelta(_Timed):
    """A shock to the forecast: `scale` or `add`, with `decay` each period that share less than the one before.

    Unlike `demand` it may name a `category` of items; the forecast service applies it to its own forecasts only.
    """

    kind: Literal["shock"]
    category: Label | None = None
    scale: Quantity | None = None
    add: Number | None = None
    decay: Share | None = None

    @model_validator(mode="after")
    def _one(self) -> "ShockDelta":
        _one_of(self, "scale", "add")
        return self


class LeadTimeDelta(_Sourced):
    """Lead times in whole periods: set to `value`, or longer by `add`, shorter where it is negative; never below 0."""

    kind: Literal["lead_time"]
    value: Annotated[Whole, Field(ge=0, le=LONGEST)] | None = None
    add: Annotated[Whole, Field(ge=-LONGEST, le=LONGEST)] | None = None

    @model_validator(mode="after")
    def _one(self) -> "LeadTimeDelta":
        _one_of(self, "value", "add")
        return self


class CostDelta(_Sourced):
    """A cost set to `value` or multiplied by `scale`: per `unit` bought, per `order`, of `holding` or of `shortage`.

    Holding and shortage cost that follow from the unit cost follow it. `shortage` does nothing where a service level
    is the target.
    """

    kind: Literal["cost"]
    cost: Literal["unit", "order", "holding", "shortage"]
    value: Cost | None = None
    scale: Annotated[Number, Field(gt=0, le=1e6)] | None = None

    @model_validator(mode="after")
    def _one(self) -> "CostDelta":
        _one_of(self, "value", "scale")
        if self.cost == "holding" and self.value == 0:
            raise ValueError("a holding cost is above 0")
        return self


class OutageDelta(_Sourced):
    """A `source` that does not deliver in the periods that begin from `from` to `to`.

    Nothing is released to it in them; another source of the item-location takes its place. Orders under way that
    are due in them come in the first period after them, of item-locations whose first source by priority it is.
    """

    kind: Literal["supplier_outage"]
    source: Code
    first: Annotated[Date, Field(alias="from")]
    last: Annotated[Date, Field(alias="to")]

    @model_validator(mode="after")
    def _in_order(self) -> "OutageDelta":
        if self.first > self.last:
            raise ValueError("from is after to")
        return self


class CapacityDelta(_Spanned):
    """Hours of a `resource`, by default of all, in each period: `hours` of them, or times `scale`; never below 0.

    With `overtime` it is about the hours of overtime.
    """

    kind: Literal["capacity"]
    resource: Code | None = None
    overtime: Flag = False
    hours: Quantity | None = None
    scale: Factor | None = None

    @model_validator(mode="after")
    def _one(self) -> "CapacityDelta":
        _one_of(self, "hours", "scale")
        return self


class ServiceTargetDelta(_Delta):
    """A service level as the target, in place of the policy's own or of its shortage cost."""

    kind: Literal["service_target"]
    service_level: Share


Delta = Annotated[
    DemandDelta
    | DriverDelta
    | ShockDelta
    | LeadTimeDelta
    | CostDelta
    | CapacityDelta
    | OutageDelta
    | ServiceTargetDelta,
    Field(discriminator="kind"),
]


class ScenarioIn(Schema):
    """Deltas are applied one after the other, on the area's base as it is when a plan is made."""

    description: Label | None = None
    deltas: Annotated[list[Delta], Field(max_length=MOST_DELTAS)]


class ScenarioOut(ScenarioIn):
    scenario: str
    version: int
    changed_by: str
    changed_at: datetime.datetime


class ScenarioPromotionIn(Schema):
    """`version` of the scenario that is promoted: the one that was looked at."""

    version: Version
    reason: Reason


class TakeBackIn(Schema):
    reason: Reason


class PromotedOut(Schema):
    """A scenario in the base, as it was when it was promoted."""

    scenario: str
    version: int
    deltas: list[Delta]


class BaseOut(Schema):
    """What plans without a scenario rest on beside the data: `stack`, oldest first; empty, where it is the data alone.

    `sequence` counts its changes, and is its ETag. The last change is told by the rest, null before the first.
    """

    sequence: int
    stack: list[PromotedOut]
    action: Literal["promote", "take_back"] | None
    scenario: str | None
    reason: str | None
    promoted_by: str | None
    promoted_at: datetime.datetime | None


class RiskOut(Schema):
    """A cost over the horizon on the sample paths. `cvar90`: the mean of the dearest tenth of them."""

    mean: Amount
    p10: Amount
    p90: Amount
    cvar90: Amount


class ContrastedOut(Schema):
    """A figure of the scenario less that of the base, path by path on common random numbers."""

    mean: Amount
    p10: Amount
    p90: Amount


class DeltaValueOut(Schema):
    """What a delta alone changes of the base's expected cost, purchase aside; negative: it saves.

    `deltas` counts from 0 in the scenario. Those that are forecast anew go together, as one forecast holds them all.
    """

    deltas: list[int]
    cost: Amount


class ChangedOrderOut(Schema):
    """A recommendation in the plan of the base and in that of the scenario; null where there is none.

    From another source it is another one.
    """

    item: str
    location: str
    type: str
    source: str | None
    quantity: tuple[float | None, float | None]
    release_date: tuple[datetime.date | None, datetime.date | None]
    receipt_date: tuple[datetime.date | None, datetime.date | None]
    net_benefit: tuple[Decimal | None, Decimal | None]


class ChangedOrdersOut(Schema):
    """How many recommendations there are more, fewer or otherwise, and those of them with the largest net benefit."""

    added: int
    dropped: int
    changed: int
    first: list[ChangedOrderOut]


class ComparedOut(Schema):
    """A scenario's newest plan. `outdated` says why it may not be compared any more; empty where it may."""

    scenario: str | None
    plan: UUID
    version: int | None
    outdated: list[str]
    cost: RiskOut
    fill_rate: float
    stockout_probability: float
    stock_value: Amount
    orders: int
    difference: ContrastedOut | None
    changes: ChangedOrdersOut | None
    values: list[DeltaValueOut] | None
    interaction: Amount | None


class ComparisonOut(Schema):
    """Plans side by side, the base's first; cost is that without purchase. Differences are to the base's plan."""

    currency: str
    as_of: datetime.date
    periods: int
    base: ComparedOut
    scenarios: list[ComparedOut]
