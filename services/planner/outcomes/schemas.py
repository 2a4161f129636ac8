"""Bodies of the outcome calls."""

import datetime
from typing import Literal
from uuid import UUID

from shared.schemas import Amount, Schema

By = Literal["person", "reason", "type", "class", "action", "policy"]
ItemClass = Literal["A", "B", "C"]


class ReplayedOut(Schema):
    """Cost of holding, shortage and ordering, units short, and mean stock at the periods' ends."""

    cost: Amount
    short: float
    stock: float


class OutcomeOut(Schema):
    """What became of a decision, replayed on the demand of the periods from `first` to `last`.

    These begin with the recommended receipt and end before an order of the next review could have come: what was
    decided later is no part of it. The stock at the plan's as-of date and the orders under way then are those of the
    plan. `executed` is what the ERP reported, else what was decided, nothing where it was rejected; `nothing` is no
    order at all. `censored`: in some period it was out of stock, and what was forecast stands for demand that nobody
    saw. `value_added` is what the recommendation would have cost less what was done: above 0 the decision was better.
    `item_class` is the item-location's in the plan that recommended it: A has the demand of greatest value, up to 80 %
    of all, B that up to 95 %, C the rest; null where an earlier release made the plan.
    """

    recommendation: UUID
    type: str
    item: str | None
    location: str | None
    first: datetime.date
    last: datetime.date
    censored: bool
    action: str
    actor: str
    reason_code: str | None
    policy: str | None
    item_class: ItemClass | None
    demand: float
    executed: ReplayedOut
    recommended: ReplayedOut
    nothing: ReplayedOut
    value_added: Amount


class DecisionValueOut(Schema):
    """The mean value added of a group's decisions; `low` and `high` bound it with 95 % confidence (bootstrap).

    `n` counts them, `censored` those of which some demand was not seen. `advice` is the mean of what the recommendation
    cost less than no order. Bounds are null for fewer than five.
    """

    group: str | None
    n: int
    censored: int
    value_added: Amount
    low: Amount | None
    high: Amount | None
    advice: Amount


class DecisionValuesOut(Schema):
    by: By
    currency: str
    items: list[DecisionValueOut]
