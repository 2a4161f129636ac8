"""How far the ERP is with a recommendation, by what it reports of the orders that carry it out: pure rules.

One order of the ERP is one `reference`; a recommendation may be split over several. Each reference is `released`, then
perhaps `partially_received`, at last `received` (nothing more will come) or `failed` (nothing came and nothing will).
"""

from collections.abc import Iterable
from typing import Literal

from services.planner.recommendations.decisions import COMMITTED, Action, Status

Progress = Literal["released", "partially_received", "received", "failed"]
UNDER_WAY: tuple[Progress, ...] = ("released", "partially_received")
NEXT: dict[Progress, frozenset[Progress]] = {  # what may be told of an order after what is known of it
    "released": frozenset({"released", "partially_received", "received", "failed"}),
    "partially_received": frozenset({"partially_received", "received"}),
    "received": frozenset({"received"}),
    "failed": frozenset({"failed"}),
}
_STEP: dict[Status, Action] = {
    "released": "release",
    "partially_executed": "receive",
    "executed": "complete",
    "proposed": "fail",
}


def standing(orders: Iterable[Progress]) -> Status:
    """The status that its orders, at least one, give a recommendation; where all of them failed it is open again."""
    alive = {progress for progress in orders if progress != "failed"}
    if not alive:
        return "proposed"
    if alive == {"received"}:
        return "executed"
    return "partially_executed" if alive & {"received", "partially_received"} else "released"


def actions(status: Status, orders: Iterable[Progress]) -> list[Action]:
    """What leads from a status to where the orders are; a release that was not reported is caught up on."""
    target = standing(orders)
    if target == status:
        return ["report"]
    missed: list[Action] = ["release"] if status in COMMITTED and target not in {"released", "proposed"} else []
    return [*missed, _STEP[target]]
