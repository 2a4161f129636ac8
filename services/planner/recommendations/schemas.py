"""Bodies of the recommendation and decision calls."""

import datetime
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

from pydantic import Field

from services.planner.recommendations.decisions import Action, ApproverAction, PersonAction, State, Status
from services.planner.recommendations.execution import Progress
from shared.schemas import Amount, Code, Date, Key, Note, Positive, Schema, Whole

OrderType = Literal["buy", "produce", "transfer", "expedite"]
ORDERS = get_args(OrderType)
ChangeType = Literal["expedite", "defer", "increase", "decrease", "cancel"]
Type = OrderType | ChangeType | Literal["add_capacity", "parameter_change", "review_forecast", "data_fix", "dispose"]
Route = Literal["auto", "inform", "review", "dual"]
MOST_AT_ONCE = 500
Remark = Annotated[Note, Field(min_length=1)]
Sort = Literal["-net_benefit", "created_at"]


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


class DisposalOut(Schema):
    """Stock to sell off or scrap, as it lasts longer than `worth_keeping_periods`: until holding has cost its price.

    Or until it expires, where that is sooner.

    `value` is what it cost; `net_benefit` is what holding it over the plan costs.
    """

    quantity: float
    on_hand: float
    demand_per_period: float
    worth_keeping_periods: float
    value: Amount
    net_benefit: Amount


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


class BiasOut(Schema):
    """What overrides of an item-location, or for a reason, have in common: changed by `mean_change` on average.

    They cost less than what was recommended by `value_added` on average, `low` to `high` with 95 % confidence.
    """

    reason_code: str | None
    overrides: int
    mean_change: float
    value_added: Amount
    low: Amount
    high: Amount


class ProposalOut(Schema):
    """An order to release, and what speaks for it. Money is in the area's currency, rounded to two digits.

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


class Content(Schema):
    """What a plan proposes; it never changes. Where data are to be mended `order` is null and `faults` say which.

    It is about an item and a location; `add_capacity` is about a resource, and says in `capacity` which hours. `defer`,
    `increase`, `decrease`, `cancel`, and an `expedite` without `order`, are about an order under way, and say in
    `change` which and how. `dispose` says in `disposal` how much stock, `parameter_change` in `parameter` which value,
    `review_forecast` in `bias` what people know that the forecast does not: again and again, of an item-location or for
    a reason.
    `route` says who must look: nobody (`auto`: a policy accepted it), nobody needs to (`inform`), a person (`review`),
    or two (`dual`).
    """

    id: UUID
    plan: UUID
    forecast: UUID
    model_version: int | None
    type: Type
    item: str | None
    location: str | None
    resource: str | None = None
    currency: str
    route: Route
    policy: RoutedOut | None = None
    text: str
    order: ProposalOut | None
    capacity: CapacityOut | None = None
    change: OrderChangeOut | None = None
    disposal: DisposalOut | None = None
    parameter: ParameterOut | None = None
    bias: BiasOut | None = None
    faults: list[FaultOut]


class DecidedOut(Schema):
    """What was decided, be it that an approver must still agree; all null while nothing is."""

    quantity: float | None
    due: datetime.date | None
    reason_code: str | None
    source: str | None = None


class RecommendationOut(Content):
    """`expires_on`: the day on which it is too late to decide; null where that day was over when the plan was made.

    `deferred_until`: the day on which a deferred one is proposed again.
    """

    status: Status
    version: int
    decided: DecidedOut
    deferred_until: datetime.date | None
    expires_on: datetime.date | None
    superseded_by: UUID | None
    created_at: datetime.datetime


class DecisionIn(Schema):
    """`override` takes another quantity, due date or source of the same mode, or several of them.

    It and `reject` take a reason code, `annotate` a note.
    `defer` takes `until`, the day on which the recommendation is proposed again.
    """

    action: PersonAction
    quantity: Positive | None = None
    due: Date | None = None
    source: Code | None = None
    until: Date | None = None
    reason_code: Key | None = None
    note: Remark | None = None


class DecisionRowIn(DecisionIn):
    """`version` is that of the recommendation that was read; only `annotate` goes without."""

    recommendation: UUID
    version: Annotated[Whole, Field(ge=1, lt=2**31)] | None = None


class DecisionsIn(Schema):
    """Decisions that stand or fall together, each on another recommendation."""

    decisions: Annotated[list[DecisionRowIn], Field(min_length=1, max_length=MOST_AT_ONCE)]


class ApprovalIn(Schema):
    """Whether the decision that awaits approval is to stand; a refusal says why in `note`."""

    action: ApproverAction
    note: Remark | None = None


class StandingOut(Schema):
    """Where a recommendation stood before or after a decision."""

    status: Status
    version: int
    quantity: float | None
    due: datetime.date | None
    source: str | None = None

    @staticmethod
    def facts(state: State) -> dict[str, Any]:
        """The standing as it goes into a ledger entry."""
        due = state.due.isoformat() if state.due else None
        told = {"status": state.status, "version": state.version, "quantity": state.quantity, "due": due}
        return told if state.source is None else told | {"source": state.source}


class CountOut(Schema):
    """`value_added` is the mean of the `measured` ones: what the recommendations would have cost less what was done."""

    overrides: int
    measured: int
    value_added: Amount | None


class TrackRecordOut(Schema):
    """How often this person overrode before, and anybody with this reason code, what was taken back included."""

    person: CountOut
    reason_code: CountOut


class AdviceOut(Schema):
    """Something to look at; it does not keep the decision from standing."""

    code: str
    detail: str
    track_record: TrackRecordOut | None = None


class DecisionOut(Schema):
    """One decision as the ledger holds it. `approval_for` says why it needs an approver, where it does."""

    sequence: int
    recommendation: UUID
    action: Action
    at: datetime.datetime
    actor: str
    before: StandingOut
    after: StandingOut
    until: datetime.date | None = None
    reason_code: str | None
    note: str | None
    warnings: list[AdviceOut]
    approval_for: tuple[AdviceOut, ...] = ()


class DecisionsOut(Schema):
    """In the order in which they were sent."""

    items: list[DecisionOut]


class ExecutionIn(Schema):
    """How far the order `reference` of the ERP is that carries out the recommendation.

    `quantity` and `due` are what was ordered, by default what was decided. `received_quantity`, all that has come of it
    so far, and `received_on`, the day of the last of it, belong to `partially_received` and `received`.
    """

    reference: Code
    status: Progress
    quantity: Positive | None = None
    due: Date | None = None
    received_quantity: Positive | None = None
    received_on: Date | None = None
    note: Remark | None = None


class ExecutionOut(Schema):
    """What is known of one order of the ERP."""

    reference: str
    status: Progress
    quantity: float
    due: datetime.date
    received_quantity: float | None
    received_on: datetime.date | None
    sequence: int


class ExecutedOut(Schema):
    """What a report led to: the recommendation's status and version, and all orders that carry it out."""

    recommendation: UUID
    status: Status
    version: int
    executions: list[ExecutionOut]


class PegOut(Schema):
    """Some of a demand and what serves it; `supply` is null for what nothing serves.

    `supply_period` is null for stock that is there when the plan begins. Late are `periods_late` periods. Quantities
    are means over the paths, in the item's unit.
    """

    kind: Literal["open_order", "dependent_demand", "forecast"]
    period: datetime.date
    priority: int | None
    reference: str | None
    customer: str | None
    quantity: float
    supply: Literal["stock", "scheduled_receipt", "planned_receipt"] | None
    supply_period: datetime.date | None
    periods_late: int


class RecommendationDetailOut(RecommendationOut):
    """`carried_over`: notes on the recommendations that this one took the place of, one plan after the other.

    `pegged_demand` is what the order serves in its plan, by the customers' orders that stand.
    """

    pegged_demand: list[PegOut]

    decisions: list[DecisionOut]
    carried_over: list[DecisionOut]
    executions: list[ExecutionOut]


class OrderOut(Schema):
    """An order for the ERP to release once per `recommendation`; quantity and due date are the decided ones.

    `release_date` keeps the recommended lead time to the due date, but is never before the plan's first release.
    """

    recommendation: UUID
    plan: UUID
    type: OrderType
    item: Code
    location: Code
    source: Code
    quantity: float
    release_date: datetime.date
    due: datetime.date
    decided_by: str
    decided_at: datetime.datetime
