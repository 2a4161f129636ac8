"""Scenarios: stored, looked at, removed. A plan keeps the deltas that it was made with, whatever becomes of them."""

from sqlalchemy import Select, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.planner.scenarios.schemas import ScenarioIn, ScenarioOut
from services.planner.scenarios.tables import Scenario
from shared import etag
from shared.errors import NotFound, Unprocessable
from shared.principal import Principal

WORDS = frozenset({"base", "compare"})


class UnknownScenario(Unprocessable):
    slug, title = "unknown-scenario", "No such scenario"


class ReservedName(Unprocessable):
    slug, title = "reserved-name", "The name is a word of the interface"


def scenarios(area: str) -> Select[Scenario]:
    return select(Scenario).where(Scenario.area == area)


def one(session: Session, area: str, name: str) -> Scenario:
    found = session.get(Scenario, (area, name))
    if found is None:
        raise NotFound("There is no such scenario in this area.")
    return found


def planned(session: Session, who: Principal, name: str | None) -> Scenario | None:
    """The scenario that a plan is asked for."""
    if name is None:
        return None
    found = session.get(Scenario, (who.area.area, name))
    if found is None:
        raise UnknownScenario(
            "PUT scenarios/{scenario} makes one.",
            errors=[{"pointer": "#/scenario", "detail": "is no scenario of this area"}],
        )
    return found


def put(session: Session, who: Principal, name: str, if_match: str | None, wish: ScenarioIn) -> Scenario:
    """Store a scenario. A new one needs no If-Match, a change of one the version that was read."""
    if name in WORDS:
        raise ReservedName(
            f"{name} is no name of a scenario.", errors=[{"parameter": "scenario", "detail": "choose another name"}]
        )
    area = who.area.area
    stored = {
        "description": wish.description,
        "deltas": [delta.model_dump(mode="json", exclude_none=True) for delta in wish.deltas],
    }
    new = insert(Scenario).values(area=area, scenario=name, version=0, changed_by=who.actor, **stored)
    session.execute(new.on_conflict_do_nothing())
    scenario = session.get_one(Scenario, (area, name), with_for_update=True)
    if scenario.version and {field: getattr(scenario, field) for field in stored} == stored:
        return scenario
    if scenario.version or if_match is not None:
        etag.check(scenario.version, etag.expected_version(if_match))
    for field, value in stored.items():
        setattr(scenario, field, value)
    scenario.version += 1
    scenario.changed_by, scenario.changed_at = who.actor, func.now()
    session.flush()
    session.refresh(scenario)
    return scenario


def remove(session: Session, who: Principal, name: str, expected: int) -> None:
    """Remove a scenario; plans of it, and a base that it is in, stay as they are."""
    area = who.area.area
    scenario = session.get(Scenario, (area, name), with_for_update=True)
    if scenario is None:
        raise NotFound("There is no such scenario in this area.")
    etag.check(scenario.version, expected)
    session.execute(delete(Scenario).where(Scenario.area == area, Scenario.scenario == name))


def out(row: Scenario) -> ScenarioOut:
    return ScenarioOut.model_validate(row)
