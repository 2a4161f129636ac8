"""Events over HTTP: taken from the services, pulled by ERPs, followed by front ends."""

from typing import Annotated, Any

from fastapi import Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.background import BackgroundTask

from services.gateway.auth import Admitted
from services.gateway.database import Read, Write
from services.gateway.events import service
from services.gateway.events.schemas import EventsIn, FeedOut
from services.gateway.once import SealedRoute
from shared import app
from shared.app import problems
from shared.media import JSON, wanted
from shared.schemas import Key

MOST = 1000
EVENT_STREAM = "text/event-stream"
STREAMED: dict[int | str, dict[str, Any]] = {
    200: {"content": {EVENT_STREAM: {"schema": {"type": "string"}}}, "description": "The events"}
}
router = app.router(route_class=SealedRoute, prefix="/v1/areas/{area}/events", tags=["Events"])


@router.post("", status_code=204, operation_id="take_events", responses=problems(413, 415))
async def take(area: Key, body: EventsIn, session: Write, request: Request) -> Response:
    """Take what happened in a service; it alone calls this."""
    await service.take(session, area, body.events)
    return Response(status_code=204, background=BackgroundTask(request.app.state.happened.set))


@router.get("", operation_id="list_events", response_model=FeedOut, responses=problems(406, 503) | STREAMED)
async def events(
    area: Key,
    who: Admitted,  # noqa: ARG001  admitted is all
    session: Read,
    request: Request,
    after: Annotated[int | None, Query(ge=0, lt=2**63, description="The last sequence that is known already.")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
    last_event_id: Annotated[int | None, Header(ge=0, lt=2**63)] = None,
) -> Any:
    """List what happened after a sequence, or follow it (`Accept: text/event-stream`) from there, or from now, on."""
    if wanted(request, JSON, EVENT_STREAM) == JSON:
        return await service.feed(session, area, after or 0, limit)
    begin = last_event_id if last_event_id is not None else after
    state = request.app.state
    state.following.check()
    begin = await service.last(session, area) if begin is None else begin
    content = service.stream(state.database, state.following, area, begin)
    return StreamingResponse(content, media_type=EVENT_STREAM, headers={"Cache-Control": "no-store"})
