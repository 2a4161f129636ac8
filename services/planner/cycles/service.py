"""Planning cycles: documents of an area whose every step is in the ledger."""

import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.planner.cycles import steps
from services.planner.cycles.schemas import CycleIn, CycleOut, StepIn
from services.planner.cycles.steps import APPROVERS, NEEDS, Cycle
from services.planner.plans.tables import Plan
from services.planner.reference import service as reference
from services.planner.reference.tables import ReferenceDatum
from shared import etag
from shared.errors import Conflict, Forbidden, NotFound, Unprocessable
from shared.principal import Principal

CYCLE = "planning_cycle"


class OtherForecast(Conflict):
    slug, title = "other-forecast", "The plan rests on another forecast"


def cycles(session: Session, who: Principal) -> list[CycleOut]:
    """All cycles of the area, the newest name first."""
    found = [out(row) for row in reference.rows(session, who, CYCLE)]
    return sorted(found, key=lambda one: one.cycle, reverse=True)


def one(session: Session, who: Principal, name: str) -> ReferenceDatum:
    row = session.get(ReferenceDatum, (who.area.area, CYCLE, name))
    if row is None or row.version == 0:
        raise NotFound("There is no such cycle in this area.")
    return row


def put(session: Session, who: Principal, name: str, version: int, wish: CycleIn) -> CycleOut:
    """Begin a cycle, or describe it otherwise; its status changes by steps alone."""
    row = reference.lock(session, who, CYCLE, name)
    etag.check(row.version, version)
    known = row.content or {"status": "open", "forecast": None, "plan": None, "steps": []}
    reference.change(session, who, row, known | wish.model_dump(mode="json"))
    return out(row)


def step(session: Session, who: Principal, name: str, version: int, wish: StepIn) -> CycleOut:
    """Take a step. Raises IllegalStep, OtherForecast, Forbidden, Unprocessable, StaleVersion."""
    one(session, who, name)
    row = reference.lock(session, who, CYCLE, name)
    etag.check(row.version, version)
    before = Cycle.of(row.content)
    made = steps.after(before, wish.action, None)
    if wish.action == "advance":
        made = steps.after(before, wish.action, _named(session, who, before, made, wish))
        if made.status in APPROVERS and not who.roles & {"approver", "admin"}:
            raise Forbidden("Approving and publishing a cycle's plan takes the role approver.")
    elif wish.note is None:
        raise Unprocessable("A return says why.", errors=[{"pointer": "#/note", "detail": "is required here"}])
    told = {"status": made.status, "at": datetime.datetime.now(datetime.UTC).isoformat(), "by": who.actor}
    moved = {"status": made.status, "forecast": made.forecast, "plan": made.plan}
    taken = [*row.content["steps"], told | {"note": wish.note}]
    reference.change(session, who, row, row.content | moved | {"steps": taken})
    return out(row)


def published(session: Session, who: Principal) -> UUID | None:
    """The plan that was published last."""
    rows = [row for row in reference.rows(session, who, CYCLE) if row.content["status"] in steps.FINAL]
    at = [(_published_at(row), row.content["plan"]) for row in rows]
    return UUID(max(at)[1]) if at else None


def out(row: Any) -> CycleOut:
    return CycleOut.model_validate(row.content | {"cycle": row.key, "version": row.version})


def _published_at(row: Any) -> str:
    return str(next(one["at"] for one in row.content["steps"] if one["status"] == "published"))


def _named(session: Session, who: Principal, before: Cycle, made: Cycle, wish: StepIn) -> str | None:
    """What the new status needs, looked at; nothing else may be told."""
    need = NEEDS.get(made.status)
    given = {name: getattr(wish, name) for name in ("forecast", "plan")}
    errors = [
        {"pointer": f"#/{name}", "detail": "has no meaning here"} for name in given if given[name] and name != need
    ]
    if need and given[need] is None:
        errors.append({"pointer": f"#/{need}", "detail": "is required here"})
    if errors:
        raise Unprocessable("The fields do not make this step.", errors=errors)
    if need == "plan":
        _check_plan(session, who, before, wish)
    return str(given[need]) if need else None


def _check_plan(session: Session, who: Principal, before: Cycle, wish: StepIn) -> None:
    mine = select(Plan).where(Plan.area == who.area.area, Plan.id == wish.plan, Plan.status == "succeeded")
    plan = session.scalar(mine.where(Plan.scenario.is_(None)))
    if plan is None:
        detail = "is no plan of this area that has succeeded, without a scenario"
        raise Unprocessable("The plan cannot be approved.", errors=[{"pointer": "#/plan", "detail": detail}])
    if str(plan.forecast_id) != before.forecast:
        raise OtherForecast(f"It rests on forecast {plan.forecast_id}, the cycle on {before.forecast}: plan on that.")
