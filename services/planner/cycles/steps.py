"""The steps of a planning cycle: a pure state machine.

open → demand_review → supply_review → approved → published → closed, one at a time, and back one at a time until the
plan is published.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, cast, get_args

from services.planner.cycles.schemas import Action, Status
from shared.errors import Conflict

ORDER: tuple[Status, ...] = get_args(Status)
FINAL: frozenset[Status] = frozenset({"published", "closed"})
APPROVERS: frozenset[Status] = frozenset({"approved", "published"})
Needs = Literal["forecast", "plan"]
NEEDS: Mapping[Status, Needs] = {"supply_review": "forecast", "approved": "plan"}


class IllegalStep(Conflict):
    slug, title = "illegal-step", "The cycle's status does not allow this"


@dataclass(frozen=True)
class Cycle:
    """Where a cycle stands. forecast, plan: what it rests on, once agreed on."""

    status: Status = "open"
    forecast: str | None = None
    plan: str | None = None

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> "Cycle":
        return cls(cast("Status", content["status"]), content["forecast"], content["plan"])


def after(cycle: Cycle, action: Action, named: str | None) -> Cycle:
    """The cycle after a step; named: the forecast or plan that the new status needs. Raises IllegalStep."""
    place = ORDER.index(cycle.status)
    if action == "return":
        if cycle.status in FINAL or place == 0:
            raise IllegalStep(f"The cycle is {cycle.status}: there is no way back.")
        back = ORDER[place - 1]
        forgotten = {NEEDS[cycle.status]: None} if cycle.status in NEEDS else {}
        return replace(cycle, status=back, **forgotten)
    if place + 1 == len(ORDER):
        raise IllegalStep("The cycle is closed.")
    following = ORDER[place + 1]
    return replace(cycle, status=following, **({NEEDS[following]: named} if following in NEEDS else {}))
