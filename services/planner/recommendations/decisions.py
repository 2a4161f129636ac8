"""What may become of a recommendation: a pure state machine (API.md, Status).

proposed ── accept, override ──▶ accepted, overridden ── release ──▶ released ── receive ──▶ partially_executed
   ▲ │                               ▲    │                              │ │ complete              │ complete
   │ ├─ accept, override ──▶ awaiting_approval: approve,                 │ └───────▶ executed ◀────┘
   │ │  where a rule says so          or refuse                          │
   │ ├─ reject ──▶ rejected               │                              │
   │ └─ defer ───▶ deferred: resume       │                              │
   └───── refuse, resume, revert (not of what is released), fail ────────┘

What is open (proposed, awaiting_approval, deferred) may expire or be superseded. `annotate` is legal everywhere and
changes nothing; neither does `report`, news of an order that the ERP carries out. People accept, override, reject,
defer, annotate and revert, approvers approve and refuse; `release`, `receive`, `complete`, `fail` and `report` come
from the ERP, `supersede` from a newer plan or filing, `resume` and `expire` from the calendar, `auto_accept`
(to auto_accepted, which is as accepted) from a policy.
"""

import datetime
from dataclasses import dataclass, replace
from typing import Any, Literal
from uuid import UUID

from shared.errors import Conflict

Status = Literal[
    "proposed",
    "awaiting_approval",
    "accepted",
    "auto_accepted",
    "overridden",
    "rejected",
    "deferred",
    "superseded",
    "expired",
    "released",
    "partially_executed",
    "executed",
]
PersonAction = Literal["accept", "override", "reject", "defer", "annotate", "revert"]
ApproverAction = Literal["approve", "refuse"]
ErpAction = Literal["release", "receive", "complete", "fail", "report"]
Action = PersonAction | ApproverAction | ErpAction | Literal["supersede", "resume", "expire", "auto_accept"]

OPEN: tuple[Status, ...] = ("proposed", "awaiting_approval", "deferred")
COMMITTED: tuple[Status, ...] = ("accepted", "auto_accepted", "overridden")
RELEASED: tuple[Status, ...] = ("released", "partially_executed", "executed")

_ENDS: dict[Action, Status] = {"expire": "expired", "supersede": "superseded"}
_DECIDED: dict[Action, Status] = {"revert": "proposed", "release": "released", "fail": "proposed"}
ARROWS: dict[Status, dict[Action, Status]] = {
    "proposed": {
        "accept": "accepted",
        "auto_accept": "auto_accepted",
        "override": "overridden",
        "reject": "rejected",
        "defer": "deferred",
        **_ENDS,
    },
    "awaiting_approval": {"approve": "accepted", "refuse": "proposed", "revert": "proposed", **_ENDS},  # or overridden
    "accepted": _DECIDED,
    "auto_accepted": _DECIDED,
    "overridden": _DECIDED,
    "rejected": {"revert": "proposed"},
    "deferred": {"resume": "proposed", "revert": "proposed", **_ENDS},
    "superseded": {},
    "expired": {},
    "released": {
        "receive": "partially_executed",
        "complete": "executed",
        "fail": "proposed",
        "report": "released",
    },
    "partially_executed": {"complete": "executed", "report": "partially_executed"},
    "executed": {"report": "executed"},
}


class IllegalMove(Conflict):
    slug, title = "illegal-move", "The recommendation's status does not allow this"


@dataclass(frozen=True)
class State:
    """Where a recommendation stands. `quantity` and `due` are what was decided, None while nothing is.

    source: where that is to come from, if it is another one than recommended. target: what a decision that awaits
    approval becomes by it. until: the day on which a deferred one comes back.
    """

    status: Status = "proposed"
    version: int = 1
    quantity: float | None = None
    due: datetime.date | None = None
    reason_code: str | None = None
    superseded_by: UUID | None = None
    target: Status | None = None
    until: datetime.date | None = None
    source: str | None = None


@dataclass(frozen=True)
class Move:
    """An action with what it decides. plan: which, or which filing, supersedes.

    approval: whether a rule has the decision wait for an approver.
    """

    action: Action
    quantity: float | None = None
    due: datetime.date | None = None
    reason_code: str | None = None
    plan: UUID | None = None
    until: datetime.date | None = None
    approval: bool = False
    source: str | None = None


def move(status: Status, action: Action) -> Status:
    """The status after `action`, had nobody to approve it; raises IllegalMove where there is no arrow."""
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
        raise IllegalMove(f"{error.detail} {state.superseded_by} took its place.") from None
    if made.action in {"annotate", "report"}:
        return state
    moved = replace(state, status=status, version=state.version + 1)
    if made.action in {"release", "receive", "complete"}:
        return moved
    if made.action == "approve":
        return replace(moved, status=state.target or status, target=None)
    return replace(State(status, moved.version), **_said(made, status))


def _said(made: Move, status: Status) -> dict[str, Any]:
    """What a move sets besides the status; nothing where it ends or takes back a decision."""
    match made.action:
        case "accept" | "auto_accept" | "override" | "reject":
            decided = {"quantity": made.quantity, "due": made.due, "reason_code": made.reason_code}
            decided["source"] = made.source
            waits = made.approval and made.action != "reject"
            return decided | ({"status": "awaiting_approval", "target": status} if waits else {})
        case "defer":
            return {"until": made.until}
        case "supersede":
            return {"superseded_by": made.plan}
        case _:
            return {}
