"""Bodies of the recommendation and decision calls."""

import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from services.planner.recommendations.decisions import Action, State, Status
from services.planner.recommendations.reasons import ReasonCode
from shared.schemas import Code, Date, Money, Note, Number, Positive, Schema, Whole

OrderType = Literal["buy", "produce", "transfer"]
Type = OrderType | Literal["data_fix"]
PersonAction = Literal["accept", "override", "reject", "annotate", "revert"]
Sort = Literal["-net_benefit", "created_at"]


class ActingOut(Schema):
    """Cost of carrying the order out; `total` is the sum of the others."""

    total: Money
    purchase: Money
    ordering: Money
    extra_holding: Money


class InactionOut(Schema):
    """What ordering nothing now costs more than ordering: shortage cost until the next review's order can arrive.

    `units` is the demand that only the order serves by then.
    """

    mean: Money
    p90: Money
    units: Number


class ContrastOut(Schema):
    """A figure without and with the recommended order."""

    without: Number
    with_: Annotated[Number, Field(alias="with")]


class TriggersOut(Schema):
    """The values that called for the order: units, unless the name says otherwise; lead time and review in periods."""

    on_hand: Number
    on_order: Number
    projected: Number
    safety_stock: Number
    fractile: Number
    reorder_point: Number
    order_up_to: Number
    reviews_covered: Whole
    lead_time: Whole
    review_period: Whole
    moq: Number
    multiple: Number
    max_quantity: Number | None
    shortage_mode: str
    service_level: Number | None
    shortage_cost: Money | None
    holding_cost: Money


class AlternativeOut(Schema):
    """Another quantity for the same release (`wait` is none), with the figures of the recommended one.

    Its `cost_of_inaction` is what this quantity saves against none: the recommended one's says what is at stake.
    """

    kind: str
    quantity: Number
    cost_of_acting: ActingOut
    cost_of_inaction: InactionOut
    net_benefit: Money
    stockout_probability: Number
    expected_shortage: Number


class FaultOut(Schema):
    """Data that keep an item-location out of the plan."""

    code: str
    detail: str


class ProposalOut(Schema):
    """An order to release, and what speaks for it. Money is in the area's currency, rounded to two digits.

    Stock-outs and shortage are those before the next review's order can arrive.
    """

    source: str
    quantity: Number
    release_date: Date
    release_by: Date
    receipt_date: Date
    cost_of_acting: ActingOut
    cost_of_inaction: InactionOut
    net_benefit: Money
    stockout_probability: ContrastOut
    expected_shortage: ContrastOut
    triggers: TriggersOut
    alternatives: list[AlternativeOut]


class Content(Schema):
    """What a plan proposes; it never changes. Where data are to be mended `order` is null and `faults` say which."""

    id: UUID
    plan: UUID
    forecast: UUID
    model_version: int | None
    type: Type
    item: str
    location: str
    currency: str
    route: Literal["review"]
    text: str
    order: ProposalOut | None
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
    """An order for the ERP to release once per `recommendation`; quantity and due date are the decided ones."""

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
