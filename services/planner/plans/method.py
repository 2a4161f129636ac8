"""How a plan was found, in words and figures."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from services.planner.engine import plan as alone
from services.planner.engine.network.plan import Part
from services.planner.plans.money import money
from services.planner.plans.planning import Planned
from services.planner.plans.schemas import ComponentsOut, MethodOut

NETWORK = "network"
MIXED = "by_component"
ALONE = (
    "Each item-location by itself: the order that can be released now is the feasible lot of least expected cost "
    "on joint demand paths over the reviews that it covers. Later releases are projected by a reorder point and "
    "an order-up-to level. It is no optimum over several periods, so no bound is proven."
)
TOGETHER = (
    "Item-locations that use each other, have several sources or share hours that may not suffice are planned "
    "together, in groups: the releases of least cost for the mean forecast and a safety stock. The sample paths then "
    "meet these releases as they are. Bounds are those of the programmes."
)


def described(planned: Planned, paths: int) -> dict[str, Any]:
    """JSON-safe form of how all was planned."""
    if planned.together is None:
        name, detail, parts = alone.METHOD, ALONE, []
    elif planned.alone is None:
        name, detail, parts = NETWORK, TOGETHER, planned.together.plan.parts
    else:
        name, detail, parts = MIXED, f"{TOGETHER} {ALONE}", planned.together.plan.parts
    components = _components(parts)
    found = MethodOut(name=name, detail=detail, paths=paths, bound=None, gap=None, components=components)
    return found.model_dump(mode="json")


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
