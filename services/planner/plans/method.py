"""How a plan was found, in words and figures."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from services.planner.engine import plan as alone
from services.planner.engine.inputs import Bools
from services.planner.engine.kpis import Comparison
from services.planner.engine.network.plan import Part
from services.planner.plans.inputs import Inputs
from services.planner.plans.money import money
from services.planner.plans.schemas import ComponentsOut, MethodOut
from services.planner.plans.takeover import Planned

NETWORK = "network"
MIXED = "by_component"
BY_RULE = (
    "Each item-location by itself: the order that can be released now is the feasible lot of least expected cost on "
    "joint demand paths over the reviews that it covers. Later releases are projected by a reorder point and an "
    "order-up-to level, where they pay. It is no optimum over several periods, so no bound is proven."
)
EXACTLY = (
    "Each item-location by itself: demand is certain, and dynamic programming over lots finds the releases that cost "
    "least in holding, shortage, ordering and what is paid above the lowest price over the horizon. What is left at "
    "its end keeps that price."
)
TOGETHER = (
    "Item-locations that use each other, have several sources or share hours that may not suffice are planned "
    "together, in groups: the releases of least cost for the mean forecast and a safety stock. The sample paths then "
    "meet these releases as they are. Bounds are those of the programmes."
)


def described(known: Inputs, planned: Planned, found: Comparison, paths: int) -> dict[str, Any]:
    """JSON-safe form of how all was planned; only what is exact throughout has a bound for all of it."""
    exact = alone.exactly_solvable(known.supply, known.demand)
    bound = None
    if planned.together is None:
        name, detail, parts = alone.METHOD, _alone(exact), []
        if np.all(exact):
            name, bound = alone.EXACT, money(found.plan.cost_total.mean)
    elif planned.alone is None:
        name, detail, parts = NETWORK, TOGETHER, planned.together.plan.parts
    else:
        name, parts = MIXED, planned.together.plan.parts
        detail = f"{TOGETHER} {_alone(exact[planned.alone.rows])}"
    gap = None if bound is None else 0.0
    method = MethodOut(name=name, detail=detail, paths=paths, bound=bound, gap=gap, components=_components(parts))
    return method.model_dump(mode="json")


def _alone(exact: Bools) -> str:
    """How item-locations were planned by themselves, some or all of them exactly."""
    count = int(exact.sum())
    if count == len(exact):
        return EXACTLY
    return f"{BY_RULE} {count} item-locations, whose demand is certain, are planned exactly." if count else BY_RULE


def _components(parts: Sequence[Part]) -> list[ComponentsOut]:
    """One row per method and status."""
    groups: dict[tuple[str, str], list[Part]] = defaultdict(list)
    for part in parts:
        groups[part.result.method, part.result.status].append(part)
    return [_summary(method, status, group) for (method, status), group in sorted(groups.items())]


def _summary(method: str, status: str, parts: Sequence[Part]) -> ComponentsOut:
    cost, bound = sum(part.result.costs.total for part in parts), sum(part.result.bound for part in parts)
    return ComponentsOut(
        method=method,
        status=status,
        components=len(parts),
        item_locations=sum(len(part.nodes) for part in parts),
        cost=money(cost),
        bound=money(bound),
        gap=max(0.0, cost - bound) / max(abs(cost), 1e-9),
        worst_gap=max(part.result.gap for part in parts),
    )
