"""Which way a recommended order goes: pure rules over its content."""

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.planner.automation.schemas import PolicyIn, PrecisionOut

Z = 1.959964  # of a two-sided 95 % interval
DIGITS = 4

type Key = tuple[str, str | None, str | None]  # type, item, location


@dataclass(frozen=True)
class Named:
    """A policy by its name and version."""

    name: str
    version: int
    policy: PolicyIn


@dataclass(frozen=True)
class Way:
    """The route of an order, and the policy that says so; `sampled`: for review, though the policy would accept it."""

    route: str
    by: Named | None = None
    sampled: bool = False

    @property
    def facts(self) -> dict[str, Any] | None:
        if self.by is None:
            return None
        policy = self.by.policy
        share = policy.sample if policy.action == "auto" else None
        named = {"name": self.by.name, "version": self.by.version, "action": policy.action}
        return named | {"sampled": self.sampled, "sample": share}


def way(identifier: UUID, key: Key, order: Mapping[str, Any], policies: Iterable[Named], before: float | None) -> Way:
    """The way of an order by the first policy that holds. before: units that the last plan recommended, if it did."""
    for named in policies:
        if named.policy.enabled and holds(named.policy, key, order, before):
            if named.policy.action != "auto":
                return Way(named.policy.action, named)
            sampled = _drawn(identifier) < named.policy.sample
            return Way("review" if sampled else "auto", named, sampled)
    return Way("review")


def holds(policy: PolicyIn, key: Key, order: Mapping[str, Any], before: float | None) -> bool:
    """Whether all conditions that a policy has hold for an order."""
    kind, item, location = key
    value = Decimal(order["cost_of_acting"]["purchase"])
    inaction, benefit = Decimal(order["cost_of_inaction"]["mean"]), Decimal(order["net_benefit"])
    conditions = (
        policy.types is None or kind in policy.types,
        policy.item is None or item == policy.item,
        policy.location is None or location == policy.location,
        policy.order_value_at_most is None or value <= policy.order_value_at_most,
        policy.inaction_at_most is None or inaction <= policy.inaction_at_most,
        policy.net_benefit_at_least is None or benefit >= policy.net_benefit_at_least,
        policy.change_at_most is None or _near(float(order["quantity"]), before, policy.change_at_most),
    )
    return all(conditions)


def _near(quantity: float, before: float | None, most: float) -> bool:
    return before is not None and abs(quantity - before) <= most * before


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
