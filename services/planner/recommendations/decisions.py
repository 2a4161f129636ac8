"""What may become of a recommendation: a pure state machine (API.md, Status).

proposed ──accept──▶ accepted ───┐
   │ ├─────override─▶ overridden ─┼─release─▶ released
   │ ├─────reject──▶ rejected     │
   │ └─────supersede▶ superseded  │
   ▲                              │
   └────revert (accepted, overridden, rejected)

`annotate` is legal everywhere and changes nothing. People accept, override, reject, annotate and revert; `release`
comes from the ERP's order, `supersede` from a newer plan.
"""

import datetime
from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID

from shared.errors import Conflict

Status = Literal["proposed", "accepted", "overridden", "rejected", "superseded", "released"]
Action = Literal["accept", "override", "reject", "annotate", "revert", "release", "supersede"]

ARROWS: dict[Status, dict[Action, Status]] = {
    "proposed": {"accept": "accepted", "override": "overridden", "reject": "rejected", "supersede": "superseded"},
    "accepted": {"revert": "proposed", "release": "released"},
    "overridden": {"revert": "proposed", "release": "released"},
    "rejected": {"revert": "proposed"},
    "superseded": {},
    "released": {},
}
COMMITTED: tuple[Status, ...] = ("accepted", "overridden")


class IllegalMove(Conflict):
    slug, title = "illegal-move", "The recommendation's status does not allow this"


@dataclass(frozen=True)
class State:
    """Where a recommendation stands. `quantity` and `due` are what was decided, None while nothing is."""

    status: Status = "proposed"
    version: int = 1
    quantity: float | None = None
    due: datetime.date | None = None
    reason_code: str | None = None
    superseded_by: UUID | None = None


@dataclass(frozen=True)
class Move:
    """An action with what it decides."""

    action: Action
    quantity: float | None = None
    due: datetime.date | None = None
    reason_code: str | None = None
    plan: UUID | None = None


def move(status: Status, action: Action) -> Status:
    """The status after `action`; raises IllegalMove where there is no arrow."""
    if action == "annotate":
        return status
    target = ARROWS[status].get(action)
    if target is None:
        possible = ", ".join([*ARROWS[status], "annotate"])
        raise IllegalMove(f"The status is {status}: {action} is not possible, only {possible}.")
    return target


def after(state: State, made: Move) -> State:
    """The state after a move; raises IllegalMove."""
    try:
        status = move(state.status, made.action)
    except IllegalMove as error:
        if state.superseded_by is None:
            raise
        raise IllegalMove(f"{error.detail} Plan {state.superseded_by} took its place.") from None
    changed = replace(state, status=status, version=state.version + 1)
    match made.action:
        case "annotate":
            return state
        case "supersede":
            return replace(changed, superseded_by=made.plan)
        case "release":
            return changed
        case "revert":
            return State(version=changed.version)
        case _:
            return replace(changed, quantity=made.quantity, due=made.due, reason_code=made.reason_code)
