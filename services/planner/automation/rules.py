"""Which way a recommended order goes: pure rules over its content."""

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.planner.automation.estimate import Z
from services.planner.automation.schemas import PolicyIn, PrecisionOut

DIGITS = 4


@dataclass(frozen=True)
class Named:
    """A policy by its name and version."""

    name: str
    version: int
    policy: PolicyIn


@dataclass(frozen=True)
class Way:
    """The route of an order, and the policy that says so.

    sampled: for review, though the policy would accept it. propensity: with which it was drawn for that, or was not.
    """

    route: str
    by: Named | None = None
    sampled: bool = False
    propensity: float | None = None

    @property
    def facts(self) -> dict[str, Any] | None:
        if self.by is None:
            return None
        named = {"name": self.by.name, "version": self.by.version, "action": self.by.policy.action}
        return named | {"sampled": self.sampled, "sample": self.propensity}


def way(
    identifier: UUID,
    content: Mapping[str, Any],
    policies: Iterable[Named],
    *,
    drawn: tuple[str, float] | None = None,
    barred: bool = False,
) -> Way:
    """The way of an order by the first policy that holds. content: of its recommendation, as it is stored.

    drawn: the policy that drew the same order of the plan before for review, and its propensity: one that is drawn
    stays so until somebody looks, or a sample would only be of what is looked at before the next plan.
    barred: whether a rule asks for an approver, which no policy can be.
    """
    for named in policies:
        if named.policy.enabled and holds(named.policy, content):
            if named.policy.action != "auto":
                return Way(named.policy.action, named)
            if barred:
                return Way("review", named)
            if drawn is not None and drawn[0] == named.name:
                return Way("review", named, sampled=True, propensity=drawn[1])
            sampled = _drawn(identifier) < named.policy.sample
            return Way("review" if sampled else "auto", named, sampled, named.policy.sample)
    return Way("review")


def holds(policy: PolicyIn, content: Mapping[str, Any]) -> bool:
    """Whether all conditions that a policy has hold for an order."""
    order = content["order"]
    value = Decimal(order["cost_of_acting"]["purchase"])
    inaction, benefit = Decimal(order["cost_of_inaction"]["mean"]), Decimal(order["net_benefit"])
    conditions = (
        policy.types is None or content["type"] in policy.types,
        policy.item is None or content["item"] == policy.item,
        policy.location is None or content["location"] == policy.location,
        policy.order_value_at_most is None or value <= policy.order_value_at_most,
        policy.inaction_at_most is None or inaction <= policy.inaction_at_most,
        policy.net_benefit_at_least is None or benefit >= policy.net_benefit_at_least,
        policy.cancellable is None or order.get("cancellable") is policy.cancellable,
    )
    return all(conditions) and _grounded(policy, float(order["quantity"]), content.get("grounds"))


def _grounded(policy: PolicyIn, quantity: float, grounds: Mapping[str, Any] | None) -> bool:
    """Whether the conditions on an order's grounds hold; none does where those are not known."""
    wanted = (policy.change_at_most, policy.flags_none_of, policy.flags_any_of, policy.coverage_at_least)
    if grounds is None:
        return all(one is None for one in (*wanted, policy.frozen_fence))
    flags, calibration = set(grounds["data_flags"]), grounds["calibration"]
    conditions = (
        policy.change_at_most is None or _near(quantity, grounds["quantity_before"], policy.change_at_most),
        policy.flags_none_of is None or not flags & set(policy.flags_none_of),
        policy.flags_any_of is None or bool(flags & set(policy.flags_any_of)),
        policy.coverage_at_least is None or _calibrated(policy, policy.coverage_at_least, calibration),
        policy.frozen_fence is None or grounds["in_frozen_fence"] is (policy.frozen_fence == "inside"),
    )
    return all(conditions)


def _near(quantity: float, before: float | None, most: float) -> bool:
    return before is not None and abs(quantity - before) <= most * before


def _calibrated(policy: PolicyIn, least: float, calibration: Mapping[str, Any]) -> bool:
    measured = calibration["measured"]
    return bool(measured >= policy.measured_at_least and calibration["inside"] >= least * measured)


def _drawn(identifier: UUID) -> float:
    """A number in [0, 1) that nobody chooses and everybody can compute again."""
    return int.from_bytes(hashlib.sha256(identifier.bytes).digest()[:8]) / 2**64


def ranked(policies: Iterable[Named]) -> Sequence[Named]:
    return sorted(policies, key=lambda one: (one.policy.order, one.name))


def precision(accepted: int, reviewed: int) -> PrecisionOut:
    """The share accepted, with its Wilson interval."""
    if reviewed == 0:
        return PrecisionOut(reviewed=0, accepted=0, share=None, low=None, high=None)
    share = accepted / reviewed
    middle = share + Z**2 / (2 * reviewed)
    half = Z * math.sqrt(share * (1 - share) / reviewed + Z**2 / (4 * reviewed**2))
    low, high = ((middle + sign * half) / (1 + Z**2 / reviewed) for sign in (-1, 1))
    return PrecisionOut(
        reviewed=reviewed,
        accepted=accepted,
        share=round(share, DIGITS),
        low=round(max(low, 0.0), DIGITS),
        high=round(min(high, 1.0), DIGITS),
    )
