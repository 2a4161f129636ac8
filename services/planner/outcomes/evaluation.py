"""Outcomes of decisions whose time is over, found when a plan is made: it knows the demand until its as-of date."""

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, contains_eager

from services.planner.engine.inputs import Floats, implied_penalty
from services.planner.engine.replay import Result, Terms, replay
from services.planner.ledger.tables import Entry
from services.planner.outcomes import classes
from services.planner.outcomes.classes import Classes
from services.planner.outcomes.tables import Outcome
from services.planner.plans.buckets import Buckets, shift
from services.planner.plans.tables import Plan, PlanLine
from services.planner.recommendations.content import IS_ORDER
from services.planner.recommendations.decisions import COMMITTED, RELEASED
from services.planner.recommendations.tables import Execution, Recommendation, RecommendationState
from shared.db import Database
from shared.principal import Frequency

SETTLING = ("accept", "auto_accept", "override", "reject")
OVER = (*COMMITTED, *RELEASED, "rejected")
MOST = 5000  # in one plan run; the others come with the next
PIECE = 1000  # read at a time
ROUNDING = 1e-6  # of a quantity: recommendations show six digits

type Demand = Mapping[tuple[str, str], Mapping[datetime.date, tuple[float, bool]]]


@dataclass(frozen=True)
class Due:
    """A decided order whose window is over: rows as they are stored, periods [T] of its plan until then."""

    row: Recommendation
    line: PlanLine
    executions: Sequence[Execution]
    decision: Entry  # the last one that settled it
    buckets: Buckets
    first: int  # bucket of the recommended receipt


def due(session: Session, area: str, frequency: Frequency, as_of: datetime.date) -> list[Due]:
    """Decided orders of the area that have no outcome and whose window ends before `as_of`."""
    state = Recommendation.state
    known = select(Outcome.recommendation_id).where(Outcome.recommendation_id == Recommendation.id).exists()
    wanted = select(Recommendation, PlanLine, Plan.periods).join(state).join(Plan, Plan.id == Recommendation.plan_id)
    lines = (
        (PlanLine.plan_id == Recommendation.plan_id)
        & (PlanLine.item == Recommendation.item)
        & (PlanLine.location == Recommendation.location)
    )
    wanted = wanted.join(PlanLine, lines).options(contains_eager(state))
    decided = wanted.where(Recommendation.area == area, RecommendationState.status.in_(OVER), IS_ORDER, ~known)
    decided = decided.where(Plan.as_of < as_of).order_by(Recommendation.id)
    found = []
    with session.execute(decided.execution_options(yield_per=PIECE)) as rows:
        for row, line, periods in rows:
            window = _window(row.content["order"], periods or [], frequency, as_of)
            if window is not None:
                found.append((row, line, *window))
            if len(found) == MOST:
                break
    ids = [row.id for row, *_ in found]
    told, settled = _executions(session, ids), _decisions(session, area, ids)
    return [
        Due(row, line, told.get(row.id, []), settled[str(row.id)], buckets, first)
        for row, line, buckets, first in found
    ]


def demand_since(found: Sequence[Due]) -> datetime.date:
    """The first period whose demand is needed."""
    return min(one.buckets.as_of for one in found)


def demand_of(table: pa.Table) -> Demand:
    """What was asked for by item-location and period, and whether it was in stock."""
    frame: pd.DataFrame = table.to_pandas()
    told: dict[tuple[str, str], dict[datetime.date, tuple[float, bool]]] = {}
    for item, location, period, quantity, in_stock in frame.itertuples(index=False):
        told.setdefault((item, location), {})[period] = (quantity, in_stock)
    return told


def evaluate(
    database: Database, run: Plan, buckets: Buckets, demand: Callable[[datetime.date], pa.Table]
) -> list[dict[str, Any]]:
    """Rows of all outcomes that are due when a plan begins; `demand` is asked only where there are any."""
    with database.read() as session:
        found = due(session, run.area, buckets.frequency, buckets.as_of)
        known_classes = classes.of_plans(session, {one.row.plan_id for one in found if one.row.plan_id is not None})
    known = demand_of(demand(demand_since(found))) if found else {}
    return [_outcome(run, one, known, known_classes) for one in found]


def store(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add outcomes; what another plan run has found meanwhile stays."""
    if rows:
        session.execute(insert(Outcome).on_conflict_do_nothing(), list(rows))


def _window(
    order: Mapping[str, Any], periods: Sequence[datetime.date], frequency: Frequency, as_of: datetime.date
) -> tuple[Buckets, int] | None:
    """The plan's buckets until the end of the order's window, and the one of its receipt; None while it lasts."""
    receipt = datetime.date.fromisoformat(order["receipt_date"])
    if receipt not in periods:
        return None
    first = periods.index(receipt)
    covered = first + max(int(order["triggers"]["review_period"]), 1)
    if covered > len(periods) or shift(periods[covered - 1], frequency, 1) > as_of:
        return None
    return Buckets(periods[:covered], frequency), first


def _executions(session: Session, ids: Sequence[Any]) -> dict[Any, list[Execution]]:
    told: dict[Any, list[Execution]] = {}
    for row in session.scalars(select(Execution).where(Execution.recommendation_id.in_(ids))):
        told.setdefault(row.recommendation_id, []).append(row)
    return told


def _decisions(session: Session, area: str, ids: Sequence[Any]) -> dict[str, Entry]:
    """The last entry of each that settled what is to be done; what the ERP reported came later."""
    about = select(Entry).where(Entry.area == area, Entry.subject.in_([str(identifier) for identifier in ids]))
    return {
        one.subject: one for one in session.scalars(about.where(Entry.action.in_(SETTLING)).order_by(Entry.sequence))
    }


def _outcome(run: Plan, one: Due, demand: Demand, known: Classes) -> dict[str, Any]:
    order, state, count = one.row.content["order"], one.row.state, len(one.buckets)
    asked, censored = _asked(one, demand)
    supply = np.array(one.line.scheduled_receipts[:count])
    terms = _terms(order)
    recommended = np.zeros(count)
    recommended[one.first] = order["quantity"]
    ways = {"executed": _executed(one), "recommended": recommended, "nothing": np.zeros(count)}
    start = float(order["triggers"]["on_hand"])
    results = {name: replay(start, supply, asked, way, one.first, terms) for name, way in ways.items()}
    policy = one.row.content.get("policy")
    plan = one.row.plan_id
    facts = {
        "recommendation_id": one.row.id,
        "area": run.area,
        "plan_id": run.id,
        "first": one.buckets.periods[one.first],
        "last": one.buckets.periods[-1],
        "censored": censored,
        "covered": None if censored else _covered(one, results["recommended"].left),
        "action": one.decision.action,
        "actor": one.decision.actor,
        "reason_code": state.reason_code,
        "policy": policy["name"] if policy and one.row.route == "auto" else None,
        "item_class": plan and known.get((plan, one.line.item, one.line.location)),
        "demand": float(asked[one.first :].sum()),
    }
    return facts | {f"{name}_{field}": value for name, result in results.items() for field, value in _facts(result)}


def _covered(one: Due, left: float) -> bool | None:
    """Whether stock at the window's end, had the order come as recommended, lies in the plan's 80 % interval of it.

    None where the plan counts on other orders until then, or on demand that no customer tells of.
    """
    line, count = one.line, len(one.buckets)
    planned, dependent = sum(line.planned_receipts[:count]), sum(line.dependent_demand[:count])
    if abs(planned - one.row.content["order"]["quantity"]) > ROUNDING * max(planned, 1) or dependent > 0:
        return None
    slack = ROUNDING * max(abs(left), 1)
    return bool(line.available_p10[count - 1] - slack <= left <= line.available_p90[count - 1] + slack)


def _facts(result: Result) -> list[tuple[str, float]]:
    return [("cost", result.cost), ("short", result.short), ("stock", result.stock)]


def _asked(one: Due, demand: Demand) -> tuple[Floats, bool]:
    """[T] demand; in periods out of stock what was planned for, where that is more."""
    told = demand.get((one.line.item, one.line.location), {})
    asked, censored = np.zeros(len(one.buckets)), False
    for bucket, period in enumerate(one.buckets.periods):
        quantity, in_stock = told.get(period, (0.0, True))
        asked[bucket] = quantity if in_stock else max(quantity, one.line.demand[bucket])
        censored |= not in_stock
    return asked, censored


def _executed(one: Due) -> Floats:
    """[T] what came of the order: as reported, else as decided."""
    order, state = one.row.content["order"], one.row.state
    came = np.zeros(len(one.buckets))
    if state.status == "rejected":
        return came
    receipt = datetime.date.fromisoformat(order["receipt_date"])
    reported = [
        (told.received_on or told.due, told.quantity if told.received_quantity is None else told.received_quantity)
        for told in one.executions
        if told.status != "failed"
    ]
    for day, quantity in reported or [(state.due or receipt, state.quantity or order["quantity"])]:
        bucket = one.buckets.number(day)
        if bucket is not None:
            came[max(bucket, 0)] += quantity
    return came


def _terms(order: Mapping[str, Any]) -> Terms:
    """What shortage costs, of a target what it stands for: the critical fractile solved for the penalty."""
    triggers = order["triggers"]
    backlog = triggers["shortage_mode"] == "backlog"
    holding = float(triggers["holding_cost"])
    if triggers["shortage_cost"] is not None:
        penalty = float(triggers["shortage_cost"])
    else:
        fractile = min(float(triggers["fractile"]), 1 - 1e-6)
        given = (np.array(value) for value in (holding, fractile, int(triggers["review_period"]), backlog))
        penalty = float(implied_penalty(*given))
    return Terms(holding, penalty, float(order["cost_of_acting"]["ordering"]), backlog)
