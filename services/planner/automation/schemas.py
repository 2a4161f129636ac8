"""Bodies of the automation calls."""

from typing import Annotated, Literal

from pydantic import Field

from services.planner.recommendations.content_schemas import OrderType
from services.planner.recommendations.grounds import DataFlag
from shared.schemas import Code, Cost, Flag, Label, Money, Number, Schema, Whole

Action = Literal["auto", "inform", "review", "dual"]
MOST_REVIEWED = 1_000_000
Part = Annotated[Number, Field(ge=0, le=1)]
Flags = Annotated[list[DataFlag], Field(min_length=1)]


class AutomationIn(Schema):
    """Without `enabled` no policy applies: everything is for people. `review_limit`: orders of a plan that people see.

    Those beyond it, by net benefit, get the route `inform`: they stay open, but nobody has to look.
    """

    enabled: Flag = True
    review_limit: Annotated[Whole, Field(ge=0, le=MOST_REVIEWED)] | None = None


class AutomationOut(AutomationIn):
    version: int


class PolicyIn(Schema):
    """What becomes of a recommended order for which all the conditions that are given hold.

    Conditions: its type; item and location; `order_value_at_most`, the purchase; `inaction_at_most`, what waiting would
    cost on average; `net_benefit_at_least`; `change_at_most`, how far its quantity is from the one that the plan before
    recommended, as a share of that: an order that was not recommended before does not meet it. `cancellable`: whether
    its sourcing rule says that it can be given back. Of its `grounds`: `flags_none_of` and `flags_any_of`, data flags;
    `coverage_at_least`, of its class over `measured_at_least` outcomes or more; `frozen_fence`, whether it is received
    inside of the one of the approval rules or outside. Orders that were recommended before there were grounds do not
    meet these, nor `change_at_most`.

    `auto` accepts it, save a random `sample`, which people review all the same, and orders for which the approval rules
    ask for an approver; `inform` leaves it open, `review` is for people, `dual` for two. Of several policies the one of
    the lowest `order` decides, then of the first name.
    """

    description: Label | None = None
    enabled: Flag = True
    order: Annotated[Whole, Field(ge=1, le=1000)] = 100
    action: Action
    types: Annotated[list[OrderType], Field(min_length=1)] | None = None
    item: Code | None = None
    location: Code | None = None
    order_value_at_most: Cost | None = None
    inaction_at_most: Cost | None = None
    net_benefit_at_least: Cost | None = None
    change_at_most: Annotated[Number, Field(ge=0, le=1000)] | None = None
    cancellable: Flag | None = None
    flags_none_of: Flags | None = None
    flags_any_of: Flags | None = None
    coverage_at_least: Part | None = None
    measured_at_least: Annotated[Whole, Field(ge=1, le=MOST_REVIEWED)] = 20
    frozen_fence: Literal["inside", "outside"] | None = None
    sample: Part = 0.05


class PrecisionOut(Schema):
    """Of the orders that a policy would have accepted and people reviewed: how many they accepted as they were.

    `low` and `high` bound the share with 95 % confidence (Wilson, 1927); null without any.
    """

    reviewed: int
    accepted: int
    share: float | None
    low: float | None
    high: float | None


class PolicyOut(PolicyIn):
    """`precision` is measured on the random sample, over all versions of the policy."""

    policy: str
    version: int
    automated: int
    precision: PrecisionOut


class SimulationOut(Schema):
    """What a policy would have done with the newest orders that people or policies decided on, `decided` of them.

    `matched` are those whose conditions hold. Of these it would have accepted `automated`, `share` of all decided, and
    left the others to people: the random sample, and what needs an approver. People decided on `agreement.reviewed` of
    the matched ones, and accepted, overrode and rejected so many; `net_benefit` is what the plans expected of those
    that they did not accept as they were.

    `value` is what automation gains per matched order, or below 0 loses, as people's changes were worth more: what was
    done less what the recommendation would have cost. It is estimated from those that people decided on and that are
    `measured` (outcomes). Where another policy accepted all but a random sample, `of_sample`, each of that counts for
    as many as it was drawn from (inverse propensity). `low` and `high` bound it with 95 % confidence, from 30 on of
    equal weight that are not all the same; `total` is the value of all that it would have accepted.
    """

    decided: int
    matched: int
    automated: int
    share: float | None
    agreement: PrecisionOut
    overridden: int
    rejected: int
    net_benefit: Cost
    measured: int
    of_sample: int
    value: Money | None
    low: Money | None
    high: Money | None
    total: Money | None
