"""Bodies of the automation calls."""

from typing import Annotated, Literal

from pydantic import Field

from services.planner.recommendations.content_schemas import OrderType
from shared.schemas import Code, Cost, Flag, Label, Money, Number, Schema, Whole

Action = Literal["auto", "inform", "review", "dual"]
MOST_REVIEWED = 1_000_000


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
    recommended, as a share of that: an order that was not recommended before does not meet it.

    `auto` accepts it, save a random `sample`, which people review all the same; `inform` leaves it open, `review` is
    for people, `dual` for two. Of several policies the one of the lowest `order` decides, then of the first name.
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
    sample: Annotated[Number, Field(ge=0, le=1)] = 0.05


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
    """What a policy would have done with the newest orders that people decided on, up to `decided` of them.

    `matched` are those whose conditions hold, `share` theirs of all. Of these people accepted as they were, overrode
    and rejected so many; `net_benefit` is what the plans expected of those that people did not accept as they were. Of
    the `measured` ones (outcomes) `value` is the mean that accepting as recommended would have cost less than what was
    done, with 95 % bounds from five on: below 0 people's changes were worth more.
    """

    decided: int
    matched: int
    share: float | None
    agreement: PrecisionOut
    overridden: int
    rejected: int
    net_benefit: Cost
    measured: int
    value: Money | None
    low: Money | None
    high: Money | None
