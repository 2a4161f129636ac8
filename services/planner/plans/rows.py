"""The item-locations of plans as they are stored: what went in, what came out, and which plan has their numbers."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import Select, select, text
from sqlalchemy.orm import Session, undefer

from services.planner.engine.inputs import Demand, Floats
from services.planner.plans import takeover
from services.planner.plans.bulk import copy
from services.planner.plans.inputs import Inputs, Orders
from services.planner.plans.sales import Sales
from services.planner.plans.tables import Plan, PlanRow
from services.planner.plans.takeover import Earlier, Key, Planned, Row
from shared.db import Database

SOLD = ("revenue", "cost_of_sales", "carbon", "demand_value")
COLUMNS = ("plan_id", "item", "location", "origin", "input_digest", "output_digest", "inputs", *SOLD)
_INPUTS = text(
    "SELECT item, location, inputs FROM plan_rows"
    " JOIN unnest(CAST(:items AS text[]), CAST(:locations AS text[])) AS named (item, location) USING (item, location)"
    " WHERE plan_id = :plan"
)
_TAKE_OVER = text(
    "INSERT INTO plan_rows"
    " (plan_id, item, location, origin, input_digest, output_digest, inputs, revenue, cost_of_sales, carbon,"
    " demand_value)"
    " SELECT :plan, item, location, origin, input_digest, output_digest, inputs, revenue, cost_of_sales, carbon,"
    " demand_value"
    " FROM plan_rows"
    " WHERE plan_id = :earlier AND (item, location)"
    " NOT IN (SELECT * FROM unnest(CAST(:items AS text[]), CAST(:locations AS text[])))"
)


def newest(area: str) -> Select[Plan]:
    """The newest plan of the area's base."""
    plans = select(Plan).where(Plan.area == area, Plan.status == "succeeded", Plan.scenario.is_(None))
    return (
        plans.order_by(Plan.created_at.desc(), Plan.id.desc())
        .limit(1)
        .options(undefer(Plan.tallies), undefer(Plan.path_costs))
    )


def read(database: Database, plan: Plan, demand: Callable[[Sequence[Key], Orders, Floats], Demand]) -> Earlier | None:
    """An earlier plan's rows; None where it had nothing to plan."""
    if not plan.path_costs:
        return None
    names = (PlanRow.item, PlanRow.location, PlanRow.origin, PlanRow.input_digest, PlanRow.output_digest)
    with database.read() as session:
        found = session.execute(select(*names).where(PlanRow.plan_id == plan.id)).all()

    def inputs(keys: Sequence[Key]) -> list[bytes]:
        with database.read() as session:
            rows = session.execute(_INPUTS, {"plan": plan.id} | _named(keys))
            packs = {(item, location): pack for item, location, pack in rows}
        return [packs[key] or b"" for key in keys]

    rows = {(item, location): Row(origin, given, output) for item, location, origin, given, output in found}
    tallies = takeover.from_bytes(plan.tallies) if plan.tallies else None
    return Earlier(plan.id, rows, sum(plan.path_costs) / len(plan.path_costs), tallies, inputs, demand)


def store(session: Session, run: Plan, known: Inputs, planned: Planned, sales: Sales, earlier: Earlier | None) -> None:
    """Add the rows of a plan: those that were computed for it, and those that it takes over."""
    copy(session, "plan_rows", COLUMNS, _fresh(run, known, planned, sales))
    if earlier and planned.same:
        others = [key for key in earlier.rows if key not in planned.same]
        session.execute(_TAKE_OVER, {"plan": run.id, "earlier": earlier.plan} | _named(others))


def _fresh(run: Plan, known: Inputs, planned: Planned, sales: Sales) -> Iterator[tuple[Any, ...]]:
    fresh = planned.fresh.tolist()
    columns = (sales.revenue, sales.cost, sales.carbon, sales.demand_value)
    sold = zip(*(map(_told, column.tolist()) for column in columns), strict=True)
    for row, pack, one in zip(fresh, takeover.packed(known, planned.fresh), sold, strict=True):
        yield run.id, *known.terms.index[row], run.id, planned.inputs[row], planned.outputs[row], pack, *one
    for (item, location), digest in planned.faults.items():
        if (item, location) not in planned.same:
            yield run.id, item, location, run.id, digest, None, None, *(None for _ in SOLD)


def _told(number: float) -> float | None:
    return None if math.isnan(number) else number


def _named(keys: Sequence[Key]) -> dict[str, list[str]]:
    return {"items": [item for item, _ in keys], "locations": [location for _, location in keys]}
