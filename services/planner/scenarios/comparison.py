"""Plans of scenarios beside the base's: cost and its risk, what is recommended otherwise, what each delta is worth."""

import datetime
import math
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session, aliased, undefer

from services.planner.plans import service as plans
from services.planner.plans.money import money
from services.planner.plans.proposed import OF_ROW
from services.planner.plans.tables import Plan, PlanRow
from services.planner.recommendations.tables import Recommendation
from services.planner.scenarios import promotions, service
from services.planner.scenarios.schemas import (
    ChangedOrderOut,
    ChangedOrdersOut,
    ComparedOut,
    ComparisonOut,
    ContrastedOut,
    DeltaValueOut,
    RiskOut,
)
from services.planner.scenarios.tables import Scenario
from shared.errors import Unprocessable
from shared.principal import Principal

SHOWN = 100  # changes of recommendations
TAIL = 0.1

type Key = tuple[str, str, str, str | None]  # item, location, type, source
type Order = tuple[float | None, datetime.date | None, datetime.date | None, Any]


class NotPlanned(Unprocessable):
    slug, title = "scenario-not-planned", "No plan of the scenario"


def compare(session: Session, who: Principal, names: Sequence[str]) -> ComparisonOut:
    """The newest plans of the base and of scenarios. NoPlan, NotPlanned where one is missing."""
    base = _full(session, plans.one(session, who, "latest"))
    found = [(service.one(session, who.area.area, name), _newest(session, who, name)) for name in names]
    missing = [row.scenario for row, plan in found if plan is None]
    if missing:
        raise NotPlanned(
            "POST plans with the scenario makes one.",
            errors=[{"parameter": "ids", "detail": f"{name} has no plan that succeeded"} for name in missing],
        )
    if base.kpis is None:
        raise plans.NotReady("The newest plan of the base could plan nothing: mend its data first.")
    stack = promotions.deltas(promotions.base(session, who.area.area))
    assert base.as_of is not None and base.periods is not None  # noqa: S101, PT018  it has succeeded
    return ComparisonOut(
        currency=base.caller["area"]["currency"],
        as_of=base.as_of,
        periods=len(base.periods),
        base=_shown(base, ["base-changed"] if base.deltas != stack else []),
        scenarios=[_beside(session, base, plan, row, stack) for row, plan in found if plan is not None],
    )


def _newest(session: Session, who: Principal, name: str) -> Plan | None:
    mine = plans.runs(who).where(Plan.scenario == name, Plan.status == "succeeded", Plan.kpis.is_not(None))
    newest = mine.order_by(Plan.created_at.desc(), Plan.id.desc()).limit(1)
    return session.scalar(newest.options(undefer(Plan.path_costs), undefer(Plan.delta_values)))


def _full(session: Session, plan: Plan) -> Plan:
    """The plan with what is read on demand only."""
    whole = select(Plan).where(Plan.id == plan.id).options(undefer(Plan.path_costs), undefer(Plan.delta_values))
    return session.scalars(whole.execution_options(populate_existing=True)).one()


def _beside(session: Session, base: Plan, plan: Plan, scenario: Scenario, stack: list[dict[str, Any]]) -> ComparedOut:
    outdated = list(_outdated(base, plan, scenario, stack))
    shown = _shown(plan, outdated)
    if plan.periods != base.periods or not plan.path_costs or not base.path_costs:
        return shown
    costs = [mine - its for mine, its in zip(plan.path_costs, base.path_costs, strict=True)]
    values = [DeltaValueOut.model_validate(value) for value in plan.delta_values or []]
    mean = shown.cost.mean - _shown(base, []).cost.mean
    difference = ContrastedOut(mean=mean, p10=_ranked(costs, TAIL), p90=_ranked(costs, 1 - TAIL))
    return shown.model_copy(
        update={
            "difference": difference,
            "changes": _changes(session, base, plan),
            "values": values or None,
            "interaction": difference.mean - sum(value.cost for value in values) if values else None,
        }
    )


def _outdated(base: Plan, plan: Plan, scenario: Scenario, stack: list[dict[str, Any]]) -> Iterator[str]:
    """Why what differs may be something else than the scenario's deltas."""
    if plan.scenario_version != scenario.version:
        yield "scenario-changed"
    if plan.deltas[: len(plan.deltas) - plan.own] != stack:
        yield "base-changed"
    if plan.base_id != base.id:
        yield "base-planned-anew"
    if any(warning["code"] == "base-outdated" for warning in plan.warnings or []):
        yield "data-changed"
    if plan.periods != base.periods:
        yield "other-periods"


def _shown(plan: Plan, outdated: list[str]) -> ComparedOut:
    assert plan.kpis is not None and plan.counts is not None  # noqa: S101, PT018  it has succeeded
    figures = plan.kpis["plan"]
    relevant, paths = figures["cost"]["relevant"], sorted(plan.path_costs or [0.0], reverse=True)
    dearest = paths[: math.ceil(TAIL * len(paths))]
    cost = {name: relevant[name] for name in ("mean", "p10", "p90")} | {"cvar90": money(sum(dearest) / len(dearest))}
    return ComparedOut(
        scenario=plan.scenario,
        plan=plan.id,
        version=plan.scenario_version,
        outdated=outdated,
        cost=RiskOut.model_validate(cost),
        fill_rate=figures["fill_rate"]["mean"],
        stockout_probability=figures["stockout_probability"]["mean"],
        stock_value=figures["stock_value"]["mean"],
        orders=plan.counts["orders"],
        difference=None,
        changes=None,
        values=None,
        interaction=None,
    )


def _ranked(costs: list[float], share: float) -> Decimal:
    """A quantile, linear between the two nearest ranks, as the plan's own figures are."""
    ranked = sorted(costs)
    place = share * (len(ranked) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ranked) - 1)
    return money(ranked[low] + (ranked[high] - ranked[low]) * (place - low))


def _changes(session: Session, base: Plan, plan: Plan) -> ChangedOrdersOut:
    """Only item-locations that the scenario's plan did not take over can differ."""
    before, after = _orders(session, base, plan), _orders(session, plan, base)
    added = [key for key in after if key not in before]
    dropped = [key for key in before if key not in after]
    changed = [key for key, order in after.items() if key in before and before[key][:3] != order[:3]]
    nothing: Order = (None, None, None, None)
    moved = [(key, before.get(key, nothing), after.get(key, nothing)) for key in (*added, *dropped, *changed)]
    moved.sort(key=lambda one: max(benefit for *_, benefit in one[1:] if benefit is not None), reverse=True)
    return ChangedOrdersOut(
        added=len(added),
        dropped=len(dropped),
        changed=len(changed),
        first=[_change(*one) for one in moved[:SHOWN]],
    )


def _change(key: Key, before: Order, after: Order) -> ChangedOrderOut:
    item, location, kind, source = key
    quantity, release, receipt, benefit = zip(before, after, strict=True)
    return ChangedOrderOut(
        item=item,
        location=location,
        type=kind,
        source=source,
        quantity=quantity,
        release_date=release,
        receipt_date=receipt,
        net_benefit=benefit,
    )


def _orders(session: Session, plan: Plan, other: Plan) -> dict[Key, Order]:
    """What a plan recommends where the other has rows of its own."""
    theirs = aliased(PlanRow)
    alike = exists().where(
        theirs.plan_id == other.id,
        theirs.item == PlanRow.item,
        theirs.location == PlanRow.location,
        theirs.origin == PlanRow.origin,
    )
    order = Recommendation.content["order"]
    dates = (order[name].as_string() for name in ("release_date", "receipt_date"))
    found = select(
        Recommendation.item,
        Recommendation.location,
        Recommendation.type,
        order["source"].as_string(),
        order["quantity"].as_float(),
        *dates,
        Recommendation.net_benefit,
    )
    rows = session.execute(found.join(PlanRow, OF_ROW).where(PlanRow.plan_id == plan.id, ~alike))
    return {
        (item, location, kind, source): (quantity, _date(release), _date(receipt), benefit)
        for item, location, kind, source, quantity, release, receipt, benefit in rows
    }


def _date(text: str | None) -> datetime.date | None:
    return datetime.date.fromisoformat(text) if text else None
