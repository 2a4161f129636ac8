"""Scenarios over HTTP: what-ifs by name, side by side, and as the area's base."""

from typing import Annotated

from fastapi import Header, Query, Response

from services.planner.scenarios import comparison, promotions, service
from services.planner.scenarios.schemas import (
    BaseOut,
    ComparisonOut,
    ScenarioIn,
    ScenarioOut,
    ScenarioPromotionIn,
    TakeBackIn,
)
from services.planner.scenarios.tables import Scenario
from shared import app, etag
from shared.app import problems
from shared.db import Read, Write
from shared.errors import Unprocessable
from shared.etag import IfMatch
from shared.paging import Page, Paging, page
from shared.principal import Caller
from shared.schemas import Key

MOST = 20
NAMES = r"^[A-Za-z0-9._-]+(,[A-Za-z0-9._-]+)*$"
router = app.router(tags=["Scenarios"])


@router.get("/scenarios", operation_id="list_scenarios", responses=problems())
def list_scenarios(who: Caller, session: Read, asked: Paging) -> Page[ScenarioOut]:
    """List the scenarios, by name."""
    rows, cursor = page(session, service.scenarios(who.area.area), (Scenario.scenario,), asked)
    return Page(items=[service.out(row) for row in rows], next_cursor=cursor)


@router.get("/scenarios/compare", operation_id="compare_scenarios", responses=problems(409))
def compare_scenarios(
    who: Caller,
    session: Read,
    ids: Annotated[str, Query(max_length=2000, pattern=NAMES, description="Scenarios, with commas between them.")],
) -> ComparisonOut:
    """Compare the newest plans of scenarios with the base's: cost, risk, recommendations, the value of each delta.

    A delta's value is marginal against the base: the expected cost of the base's plan with that delta alone, less that
    of the base's plan. `interaction` is what all together change beyond the sum of the values.
    """
    names = list(dict.fromkeys(ids.split(",")))
    if len(names) > MOST:
        fault = {"parameter": "ids", "detail": f"must name at most {MOST} scenarios"}
        raise Unprocessable("These are too many to be compared.", errors=[fault])
    return comparison.compare(session, who, names)


@router.get("/scenarios/base", operation_id="get_base", responses=problems())
def get_base(who: Caller, session: Read, response: Response) -> BaseOut:
    """Show the area's base. Its ETag is what a promotion, and the way back, sends as If-Match."""
    return _shown(promotions.show(session, who.area.area), response)


@router.post(
    "/scenarios/base/rollbacks",
    operation_id="take_back_scenario",
    status_code=201,
    responses=problems(400, 409, 412, 413, 415, 428),
)
def take_back_scenario(wish: TakeBackIn, version: IfMatch, who: Caller, session: Write, response: Response) -> BaseOut:
    """Take the scenario that was promoted last out of the base again."""
    return _shown(promotions.take_back(session, who, version, wish), response)


@router.get("/scenarios/{scenario}", operation_id="get_scenario", responses=problems())
def get_scenario(scenario: Key, who: Caller, session: Read, response: Response) -> ScenarioOut:
    """Show a scenario."""
    found = service.one(session, who.area.area, scenario)
    response.headers["ETag"] = etag.of(found.version)
    return service.out(found)


@router.put("/scenarios/{scenario}", operation_id="put_scenario", responses=problems(400, 412, 413, 415, 428))
def put_scenario(
    scenario: Key,
    wish: ScenarioIn,
    who: Caller,
    session: Write,
    response: Response,
    if_match: Annotated[str | None, Header(description="The ETag that was read; not for a new one.")] = None,
) -> ScenarioOut:
    """Store a scenario; plans that were made of it before keep their deltas."""
    stored = service.put(session, who, scenario, if_match, wish)
    response.headers["ETag"] = etag.of(stored.version)
    return service.out(stored)


@router.delete(
    "/scenarios/{scenario}", operation_id="delete_scenario", status_code=204, responses=problems(400, 412, 428)
)
def delete_scenario(scenario: Key, version: IfMatch, who: Caller, session: Write) -> None:
    """Remove a scenario; its plans stay, and a base that it was promoted into stays as it is."""
    service.remove(session, who, scenario, version)


@router.post(
    "/scenarios/{scenario}/promotions",
    operation_id="promote_scenario",
    status_code=201,
    responses=problems(400, 409, 412, 413, 415, 428),
)
def promote_scenario(
    scenario: Key, wish: ScenarioPromotionIn, version: IfMatch, who: Caller, session: Write, response: Response
) -> BaseOut:
    """Make a scenario part of the area's base, on which plans without a scenario rest. If-Match is the base's ETag."""
    return _shown(promotions.promote(session, who, version, scenario, wish), response)


def _shown(base: BaseOut, response: Response) -> BaseOut:
    response.headers["ETag"] = etag.of(base.sequence)
    return base
