"""What a planner should look at again after deciding. It is said, not enforced."""

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

from services.planner.recommendations.schemas import AdviceOut

SMALL_CHANGE = 0.10
LARGE_INCREASE = 0.20
SLACK = 1e-9
SMALL, UPWARD = "small_override", "upward_override"
FRICTION = {SMALL, UPWARD}  # told with the track record of whoever decides so


@dataclass(frozen=True)
class Proposal:
    """What of a recommended order a decision is held against."""

    quantity: float
    receipt_date: datetime.date
    moq: float
    multiple: float
    max_quantity: float | None

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Self | None:
        """The proposal in a recommendation's content; None where data are to be mended."""
        order = content["order"]
        if order is None:
            return None
        lots = {name: order["triggers"][name] for name in ("moq", "multiple", "max_quantity")}
        receipt_date = datetime.date.fromisoformat(order["receipt_date"])
        return cls(quantity=order["quantity"], receipt_date=receipt_date, **lots)


def of_override(proposal: Proposal, quantity: float, due: datetime.date, note: str | None) -> list[AdviceOut]:
    """Warnings about the quantity and due date decided in place of the proposal."""
    found = (*off_lots(proposal, quantity), *_change(proposal, quantity, due, note), *_timing(proposal, due))
    return [AdviceOut(code=code, detail=detail) for code, detail in found]


def of_deferral(until: datetime.date, expires_on: datetime.date | None) -> list[AdviceOut]:
    """A warning where a recommendation is put off until it is of no use any more."""
    if expires_on is None or until < expires_on:
        return []
    return [AdviceOut(code="defer_past_expiry", detail=f"It expires on {expires_on}, before it comes back.")]


def off_lots(proposal: Proposal, quantity: float) -> Iterator[tuple[str, str]]:
    """Codes and details of what the lots do not allow."""
    lots = quantity / proposal.multiple
    if abs(lots - round(lots)) > SLACK * max(1.0, lots):
        yield "off_multiple", f"{_plain(quantity)} is no multiple of {_plain(proposal.multiple)}."
    if quantity < proposal.moq * (1 - SLACK):
        yield "below_moq", f"{_plain(quantity)} is below the minimum order of {_plain(proposal.moq)}."
    if proposal.max_quantity is not None and quantity > proposal.max_quantity * (1 + SLACK):
        yield "above_maximum", f"{_plain(quantity)} is above the largest order of {_plain(proposal.max_quantity)}."


def _change(proposal: Proposal, quantity: float, due: datetime.date, note: str | None) -> Iterator[tuple[str, str]]:
    """Small changes seldom help and large increases often hurt: Fildes, Goodwin, Lawrence, Nikolopoulos (2009)."""
    change = quantity / proposal.quantity - 1
    if 0 < abs(change) < SMALL_CHANGE and due == proposal.receipt_date:
        yield SMALL, f"The quantity changes by less than {SMALL_CHANGE:.0%}; such changes seldom pay."
    if change > LARGE_INCREASE:
        ask = "" if note else "; say in a note what it rests on"
        yield UPWARD, f"The quantity rises by more than {LARGE_INCREASE:.0%}, which often misses{ask}."


def _timing(proposal: Proposal, due: datetime.date) -> Iterator[tuple[str, str]]:
    if due < proposal.receipt_date:
        yield "before_lead_time", f"With the rule's lead time it arrives on {proposal.receipt_date} at the earliest."


def _plain(number: float) -> str:
    return f"{Decimal(repr(number)).normalize():f}"
