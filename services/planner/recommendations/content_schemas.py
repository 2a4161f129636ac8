"""What is proposed, and what speaks for it: the bodies that never change."""

from typing import Annotated, Literal, get_args
from uuid import UUID

from pydantic import Field

from services.planner.recommendations.evidence_schemas import (
    BiasOut,
    DeadDriverOut,
    DisposalOut,
    ForecastJumpOut,
    MissesOut,
    ModelContestOut,
    ModelDecayOut,
    ModelDriftOut,
    RealisedComparisonOut,
    StakeOut,
)
from services.planner.recommendations.grounds import GroundsOut
from shared.schemas import Amount, Date, Schema, Whole

OrderType = Literal["buy", "produce", "transfer", "expedite"]
ORDERS = get_args(OrderType)
ChangeType = Literal["expedite", "defer", "increase", "decrease", "cancel"]
FiledType = Literal["review_forecast", "retrain_model", "promote_model"]
Type = OrderType | ChangeType | FiledType | Literal["add_capacity", "parameter_change", "data_fix", "dispose"]
Route = Literal["auto", "inform", "review", "dual"]


class ActingOut(Schema):
    """Cost of carrying the order out; `total` is the sum of the others."""

    total: Amount
    purchase: Amount
    ordering: Amount
    extra_holding: Amount


class InactionOut(Schema):
    """What ordering nothing now costs more than ordering: shortage cost until the next review's order can arrive.

    `units` is the demand that only the order serves by then.
    """

    mean: Amount
    p90: Amount
    units: float


class ContrastOut(Schema):
    """A figure without and with the recommended order."""

    without: float
    with_: Annotated[float, Field(alias="with")]


class TriggersOut(Schema):
    """The values that called for the order: units, unless the name says otherwise; lead time and review in periods.

    What is planned together with others has no levels of its own: reorder point, order-up-to level and reviews covered
    are null.
    """

    on_hand: float
    on_order: float
    projected: float
    safety_stock: float
    fractile: float
    reorder_point: float | None
    order_up_to: float | None
    reviews_covered: Whole | None
    lead_time: Whole
    lead_time_spread: float = 0.0
    review_period: Whole
    moq: float
    multiple: float
    max_quantity: float | None
    shortage_mode: str
    service_level: float | None
    fill_rate: float | None = None
    shortage_cost: Amount | None
    holding_cost: Amount


class AlternativeOut(Schema):
    """Another quantity for the same release (`wait` is none), or another `source`, with the recommended one's figures.

    Its `cost_of_inaction` is what this quantity saves against none: the recommended one's says what is at stake.
    """

    kind: str
    source: str | None = None
    quantity: float
    cost_of_acting: ActingOut
    cost_of_inaction: InactionOut
    net_benefit: Amount
    stockout_probability: float
    expected_shortage: float


class RecordOut(Schema):
    """A row by its table's path below the area and its natural key."""

    table: str
    key: dict[str, str]


class FaultOut(Schema):
    """Data that keep an item-location, or one of its sourcing rules, out of the plan. `record` is the row to mend."""

    code: str
    detail: str
    record: RecordOut | None = None


class ConstraintOut(Schema):
    """Hours that are all taken in a period; `price` is what one more would save, confirmed by solving again."""

    resource: str
    period: Date
    price: Amount


class OvertimeOut(Schema):
    period: Date
    hours: float
    cost: Amount


class CapacityOut(Schema):
    """Overtime that the plan counts on. `net_benefit` is what the plan would cost more without, planned anew."""

    hours: float
    cost: Amount
    net_benefit: Amount
    periods: list[OvertimeOut]


class OrderChangeOut(Schema):
    """An order under way that is to come on `new_due`, or where that is null not at all, with `new_quantity`.

    The plan was made anew with the change: `holding_saved`, `shortage_saved` and `ordering_saved` (negative: it costs
    more) add up to `net_benefit`, which of an order to expedite is what that may cost at most. `stockout_probability`
    is that of the worst period, without and with the change. An order is increased in place of a new one.
    """

    reference: str
    quantity: float
    new_quantity: float
    due: Date
    new_due: Date | None
    holding_saved: Amount
    shortage_saved: Amount
    ordering_saved: Amount
    net_benefit: Amount
    stockout_probability: ContrastOut


class RoutedOut(Schema):
    """The policy by which an order has its route. `sampled`: it is for review though the policy would accept it.

    `sample` is the share that is drawn for that at random.
    """

    name: str
    version: int
    action: Route
    sampled: bool
    sample: float | None


class ParameterOut(Schema):
    """A parameter of the row `record` that what happened disproves, in periods: `deliveries` came `mean_late`."""

    record: RecordOut
    name: str
    current: float
    proposed: float
    current_spread: float
    proposed_spread: float
    deliveries: int
    mean_late: float
    standard_error: float


class ProposalOut(Schema):
    """An order to release, and what speaks for it. Money is in the area's currency, rounded to two digits.

    `cancellable`: its sourcing rule says that it can be given back until it is received; null where it was not asked.

    Stock-outs and shortage are those before the next review's order can arrive. For what is planned together with
    others they are those of all that is made or moved of it, against putting the order off to the next review; and
    `net_benefit` is what the linear programme costs more where nothing is released from the source for a review
    period, all else planned anew (of the releases with most at stake; of the others, what they spare less what they
    cost, as for item-locations by themselves).
    """

    source: str
    quantity: float
    release_date: Date
    release_by: Date
    receipt_date: Date
    cost_of_acting: ActingOut
    cost_of_inaction: InactionOut
    net_benefit: Amount
    stockout_probability: ContrastOut
    expected_shortage: ContrastOut
    triggers: TriggersOut
    alternatives: list[AlternativeOut]
    binding_constraints: list[ConstraintOut] = Field(default_factory=list)
    cancellable: bool | None = None


class Content(Schema):
    """What a plan or another service proposes; it never changes.

    `plan` made it, or it came with `filing`, told by one or more `origins` that the service knows it by.
    Where data are to be mended `order` is null and `faults` say which. It is about an item and a location;
    `add_capacity` is about a resource, and says in `capacity` which hours. `defer`, `increase`, `decrease`, `cancel`,
    and an `expedite` without `order`, are about an order under way, and say in `change` which and how. `dispose` says
    in `disposal` how much stock, `parameter_change` in `parameter` which value. `review_forecast` says in `bias` what
    people know that the forecast does not, again and again, of an item-location or for a reason; in `jump` how far a
    forecast moved, in `misses` which demand its interval missed, in `stake` how much that is about, in `drift` whose
    errors changed, in `dead_driver` which input no longer comes. `promote_model` and `retrain_model` are about
    `model_version`: `contest` holds it against the champion, `drift` and `decay` against its backtest, `comparison`
    holds a rival against the champion on demand that has come; that may be an external `source`.
    `route` says who must look: nobody (`auto`: a policy accepted it), nobody needs to (`inform`), a person (`review`),
    or two (`dual`). `grounds` are those of an order.
    """

    id: UUID
    plan: UUID | None
    filing: UUID | None = None
    origins: list[str] = Field(default_factory=list)
    forecast: UUID | None
    model_version: int | None
    source: str | None = None
    type: Type
    item: str | None
    location: str | None
    resource: str | None = None
    currency: str
    route: Route
    policy: RoutedOut | None = None
    text: str
    order: ProposalOut | None
    grounds: GroundsOut | None = None
    capacity: CapacityOut | None = None
    change: OrderChangeOut | None = None
    disposal: DisposalOut | None = None
    parameter: ParameterOut | None = None
    bias: BiasOut | None = None
    stake: StakeOut | None = None
    jump: ForecastJumpOut | None = None
    misses: MissesOut | None = None
    contest: ModelContestOut | None = None
    comparison: RealisedComparisonOut | None = None
    decay: ModelDecayOut | None = None
    drift: ModelDriftOut | None = None
    dead_driver: DeadDriverOut | None = None
    faults: list[FaultOut]
