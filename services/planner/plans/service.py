"""Plan runs: asked for, looked at, stopped."""

from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from services.planner.cycles import service as cycles
from services.planner.plans.schemas import PlanIn
from services.planner.plans.tables import Plan
from services.planner.scenarios import promotions
from services.planner.scenarios import service as scenarios
from shared import jobs
from shared.errors import Conflict, NotFound
from shared.principal import Principal

SEED = 0


class NoPlan(NotFound):
    slug, title = "no-plan", "No plan"


class NotReady(Conflict):
    slug, title = "plan-not-ready", "The plan has no results"


def start(session: Session, who: Principal, wish: PlanIn) -> Plan:
    """Queue a plan. Plans of an area are made one after the other: each supersedes the one before it."""
    scenario, stack = scenarios.planned(session, who, wish.scenario), promotions.base(session, who.area.area)
    own = [] if scenario is None or promotions.holds(stack, scenario.scenario) else scenario.deltas
    run = Plan(
        area=who.area.area,
        caller=TypeAdapter(Principal).dump_python(who, mode="json"),
        forecast_asked=str(wish.forecast),
        as_of_asked=wish.as_of,
        horizon_asked=wish.horizon,
        seed=SEED,
        scenario=scenario.scenario if scenario else None,
        scenario_version=scenario.version if scenario else None,
        deltas=[*promotions.deltas(stack), *own],
        own=len(own),
        net_change=wish.net_change,
    )
    jobs.start(session, run, who, "planner:plan", lock=f"plan:{who.area.area}")
    return run


def regular(who: Principal) -> Select[Plan]:
    """Plans of the area's base: no what-ifs."""
    return runs(who).where(Plan.scenario.is_(None))


def runs(who: Principal) -> Select[Plan]:
    return select(Plan).where(Plan.area == who.area.area)


def one(session: Session, who: Principal, name: UUID | str) -> Plan:
    """A run by its id, `latest`: the newest of the base that succeeded, or `published`: the last of a cycle.

    NoPlan where there is none.
    """
    if name == "published":
        published = cycles.published(session, who)
        if published is None:
            raise NoPlan("No planning cycle of this area has published a plan yet.")
        name = published
    run = jobs.named(session, runs(who) if isinstance(name, UUID) else regular(who), Plan, name)
    if run is not None:
        return run
    if isinstance(name, UUID):
        raise NotFound("There is no such plan in this area.")
    raise NoPlan("This area has no plan yet: POST plans makes one.")


def ready(session: Session, who: Principal, name: UUID | str) -> Plan:
    """A run that has results; NotReady tells the status of one that has none."""
    run = one(session, who, name)
    if run.status != "succeeded":
        raise NotReady(f"The plan is {run.status}; only one that succeeded has results.")
    return run


def cancel(session: Session, who: Principal, plan_id: UUID) -> Plan:
    """Stop a run; one that has ended stays as it is."""
    run = one(session, who, plan_id)
    jobs.cancel(session, run)
    session.flush()
    session.refresh(run)
    return run
