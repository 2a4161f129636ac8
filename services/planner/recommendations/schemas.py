"""Bodies of the recommendation and decision calls."""

import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from services.planner.recommendations.content_schemas import Content, OrderType
from services.planner.recommendations.decisions import Action, ApproverAction, PersonAction, State, Status
from services.planner.recommendations.execution import Progress
from shared.schemas import Amount, Code, Date, Key, Note, Positive, Schema, Whole

MOST_AT_ONCE = 500
Remark = Annotated[Note, Field(min_length=1)]
Sort = Literal["-net_benefit", "created_at"]


class DecidedOut(Schema):
    """What was decided, be it that an approver must still agree; all null while nothing is."""

    quantity: float | None
    due: datetime.date | None
    reason_code: str | None
    source: str | None = None


class RecommendationOut(Content):
    """`superseded_by`: the plan or filing that took its place.

    `expires_on`: the day on which it is too late to decide; null where that day was over when the plan was made.

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
