"""Bodies of the recommendation and decision calls."""

import datetime
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

from pydantic import Field

from services.planner.recommendations.decisions import Action, State, Status
from services.planner.recommendations.reasons import ReasonCode
from shared.schemas import Amount, Code, Date, Note, Positive, Schema, Whole

OrderType = Literal["buy", "produce", "transfer", "expedite"]
ORDERS = get_args(OrderType)
Type = OrderType | Literal["add_capacity", "data_fix"]
PersonAction = Literal["accept", "override", "reject", "annotate", "revert"]
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
    review_period: Whole
    moq: float
    multiple: float
    max_quantity: float | None
    shortage_mode: str
    service_level: float | None
    shortage_cost: Amount | None
    holding_cost: Amount


class AlternativeOut(Schema):
    """Another quantity for the same release (`wait` is none), with the figures of the recommended one.

    Its `cost_of_inaction` is what this quantity saves against none: the recommended one's says what is at stake.
    """

    kind: str
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

    It is about an item and a location; `add_capacity` is about a resource, and says in `capacity` which hours.
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
    route: Literal["review"]
    text: str
    order: ProposalOut | None
    capacity: CapacityOut | None = None
    faults: list[FaultOut]


class DecidedOut(Schema):
    """What stands decided; all null while nothing is."""

    quantity: float | None
    due: datetime.date | None
    reason_code: str | None


class RecommendationOut(Content):
    status: Status
    version: int
    decided: DecidedOut
    superseded_by: UUID | None
    created_at: datetime.datetime


class DecisionIn(Schema):
    """`override` takes a new quantity, due date or both; it and `reject` take a reason code, `annotate` a note."""

    action: PersonAction
    quantity: Positive | None = None
    due: Date | None = None
    reason_code: ReasonCode | None = None
    note: Annotated[Note, Field(min_length=1)] | None = None


class StandingOut(Schema):
    """Where a recommendation stood before or after a decision."""

    status: Status
    version: int
    quantity: float | None
    due: datetime.date | None

    @classmethod
    def facts(cls, state: State) -> dict[str, Any]:
        """The standing as it goes into a ledger entry."""
        standing = cls(status=state.status, version=state.version, quantity=state.quantity, due=state.due)
        return standing.model_dump(mode="json")


class AdviceOut(Schema):
    """Something to look at; it does not keep the decision from standing."""

    code: str
    detail: str


class DecisionOut(Schema):
    """One decision as the ledger holds it."""

    sequence: int
    recommendation: UUID
    action: Action
    at: datetime.datetime
    actor: str
    before: StandingOut
    after: StandingOut
    reason_code: str | None
    note: str | None
    warnings: list[AdviceOut]


class RecommendationDetailOut(RecommendationOut):
    decisions: list[DecisionOut]


class ReasonCodeOut(Schema):
    code: ReasonCode
    meaning: str
    note_required: bool


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
