"""Planning cycles over HTTP."""

from fastapi import Response

from services.planner.cycles import service
from services.planner.cycles.schemas import CycleIn, CycleOut, StepIn
from shared import app, etag
from shared.app import problems
from shared.db import Read, Write
from shared.etag import IfMatch
from shared.paging import Page
from shared.principal import Caller
from shared.schemas import Key

router = app.router(tags=["Planning cycles"])


@router.get("/planning-cycles", operation_id="list_cycles", responses=problems())
def list_cycles(who: Caller, session: Read) -> Page[CycleOut]:
    """List planning cycles, the last name first."""
    return Page(items=service.cycles(session, who), next_cursor=None)


@router.get("/planning-cycles/{cycle}", operation_id="get_cycle", responses=problems())
def get_cycle(cycle: Key, who: Caller, session: Read, response: Response) -> CycleOut:
    """Show where a cycle stands, what it rests on, and who took it there."""
    found = service.out(service.one(session, who, cycle))
    response.headers["ETag"] = etag.of(found.version)
    return found


@router.put("/planning-cycles/{cycle}", operation_id="put_cycle", responses=problems(400, 412, 415, 428))
def put_cycle(cycle: Key, wish: CycleIn, version: IfMatch, who: Caller, session: Write, response: Response) -> CycleOut:
    """Begin a cycle (`If-Match: "0"`), or describe it otherwise."""
    found = service.put(session, who, cycle, version, wish)
    response.headers["ETag"] = etag.of(found.version)
    return found


@router.post(
    "/planning-cycles/{cycle}/steps",
    operation_id="step_cycle",
    status_code=201,
    responses=problems(400, 403, 409, 412, 415, 428),
)
def step_cycle(cycle: Key, wish: StepIn, version: IfMatch, who: Caller, session: Write, response: Response) -> CycleOut:
    """Take the next step: to the demand review, the supply review, approval, publication, the end; or one back."""
    found = service.step(session, who, cycle, version, wish)
    response.headers["ETag"] = etag.of(found.version)
    return found
