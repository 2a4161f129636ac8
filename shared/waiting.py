"""Waiting for long work: `Prefer: wait=N` (RFC 7240) and Server-Sent Events.

A feature whose resource is a run says how it is shown, and its routes who may wait:

    RUNS = waiting.Runs(Plan, lambda _, run: PlanOut.of(run))

    @router.post("/plans", status_code=202, dependencies=[RUNS.prefer], ...)
    @router.get("/plans/{plan}", dependencies=[RUNS.prefer], ...)
    RUNS.events(router, "/plans/{run}/events", operation_id="follow_plan")

The waiting is done while the answer is being sent: by then the transaction of the request is committed and its session
given back.
"""

import json
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from anyio import CancelScope, create_task_group
from fastapi import APIRouter, Header, Request
from fastapi.params import Depends
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from shared.db import Read
from shared.errors import NotFound
from shared.idempotency import OnceRoute, Replayed
from shared.jobs import OVER, Run
from shared.principal import Caller
from shared.watcher import Followed, Kind, State, Watcher

LONGEST_SECONDS = 25  # below what the gateway lets a service stand still
KEEP_ALIVE_SECONDS = 10
RETRY_MS = 1000
PREFER = (
    "`wait=N` (RFC 7240) holds the answer until the run is over or N seconds have passed, and then shows the run as it "
    f"stands. N is 1 or more; more than {LONGEST_SECONDS} is taken as {LONGEST_SECONDS}. `Preference-Applied` tells "
    "what was taken; any other preference is ignored."
)
_WAIT = re.compile(r'wait[ \t]*=[ \t]*"?([0-9]{1,9})"?', re.IGNORECASE)


class Runs[R: Run]:
    """Runs that may be waited for. show: the body that GET answers."""

    def __init__(self, table: type[R], show: Callable[[Session, R], BaseModel]) -> None:
        self._kind = Kind(table, show)

    @property
    def prefer(self) -> Depends:
        """For the route's `dependencies`: it honours `Prefer: wait=N`."""
        return Depends(self._prefer)

    async def _prefer(
        self,
        request: Request,
        prefer: Annotated[str, Header(description=PREFER)] = "",  # noqa: ARG002  published; it may come in many lines
    ) -> AsyncIterator[None]:
        seconds = wished(request.headers.getlist("prefer"))
        if seconds is None:
            yield
            return
        watcher: Watcher = request.app.state.watcher
        with watcher.place():  # before anything is done: a refusal has no effect
            request.state.patience = Patience(watcher, self._kind, seconds)
            yield

    def events(self, router: APIRouter, path: str, *, operation_id: str, responses: dict[int | str, Any]) -> None:
        """Add the route that tells every change of one run."""

        @router.get(
            path,
            operation_id=operation_id,
            status_code=200,
            response_class=Events,
            responses={204: {"description": "The run is over, and the caller has seen its end"}, **responses},
            dependencies=[Depends(_place)],
        )
        def events(
            run: UUID, request: Request, who: Caller, session: Read, last_event_id: Annotated[str, Header()] = ""
        ) -> Response:
            """Follow a run by Server-Sent Events: `progress`, until one of `succeeded`, `failed`, `cancelled`.

            Each event holds the whole run, as GET shows it, so the newest replaces all before it: changes between two
            looks are told as one. Send the id of the last event in `Last-Event-ID` to go on from there.
            """
            table = self._kind.table
            found = session.scalar(select(table).where(table.area == who.area.area, table.id == run))
            if found is None:
                raise NotFound("There is no such run in this area.")
            state = self._kind.state(session, found)
            seen = _seen(last_event_id, state)
            if state.over and seen == state.sequence:
                return Response(status_code=204)
            return Events(request.app.state.watcher, self._kind, run, state, seen)


class PatientRoute(OnceRoute):
    """A route that can be told to wait for the run that it answers with."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def patient(request: Request) -> Response:
            try:
                response = await handler(request)
            except Replayed as replayed:
                if not hasattr(request.state, "patience"):
                    raise
                response = replayed.response  # what was stored stays so; shown is the run as it stands at the end
            patience: Patience | None = getattr(request.state, "patience", None)
            return response if patience is None else patience.hold(response)

        return patient


class Patience:
    """A caller's wish to wait `seconds` at most."""

    def __init__(self, watcher: Watcher, kind: Kind[Any], seconds: int) -> None:
        self.watcher = watcher
        self.kind = kind
        self.seconds = seconds

    def hold(self, answer: Response) -> Response:
        """The answer, to be given once its run is over; one that shows no run, because none was needed, at once."""
        answer.headers["Preference-Applied"] = f"wait={self.seconds}"
        run = json.loads(bytes(answer.body))
        return answer if run.get("status", "succeeded") in OVER else Held(self, answer, UUID(run["id"]))


class Held(Response):
    """An answer that waits, while it is sent, for the run that it shows."""

    def __init__(self, patience: Patience, answer: Response, run: UUID) -> None:
        super().__init__()
        self._patience = patience
        self._answer = answer
        self._run = run

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        wait = self._patience
        with wait.watcher.follow(wait.kind, self._run) as followed:
            async with _while_listening(receive):
                await followed.until(lambda state: state.over, wait.seconds)
        if followed.state is not None:
            self._answer.body = followed.state.body
            self._answer.headers["Content-Length"] = str(len(followed.state.body))
        await self._answer(scope, receive, send)


class Events(Response):
    """A run's changes as they come. `seen` is the sequence that the caller has, -1 where it has none."""

    media_type = "text/event-stream"

    def __init__(self, watcher: Watcher, kind: Kind[Any], run: UUID, state: State, seen: int) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["Content-Length"]
        self._watcher = watcher
        self._place = kind, run
        self._state = state
        self._seen = seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  the name of the base
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        with self._watcher.follow(*self._place) as followed:
            async with _while_listening(receive):
                async for piece in self._pieces(followed):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _pieces(self, followed: Followed) -> AsyncIterator[bytes]:
        yield b"retry: %d\n\n" % RETRY_MS
        state: State | None = self._state
        seen = self._seen
        while not followed.ended:
            if state is None:
                yield b": still there\n\n"
            elif state.tells(seen):
                yield _event(state)
                if state.over:
                    return
                seen = state.sequence
            state = await followed.until(partial(State.tells, seen=seen), KEEP_ALIVE_SECONDS)


def wished(lines: Iterable[str]) -> int | None:
    """The seconds of `Prefer: wait=N`, at most `LONGEST_SECONDS`; None where no waiting is asked for.

    Of a preference that is given more than once the first counts (RFC 7240, 2).
    """
    preferences = (part.partition(";")[0].strip() for line in lines for part in line.split(","))
    waits = [match for match in map(_WAIT.fullmatch, preferences) if match]
    seconds = int(waits[0][1]) if waits else 0
    return min(seconds, LONGEST_SECONDS) or None


async def _place(request: Request) -> AsyncIterator[None]:
    watcher: Watcher = request.app.state.watcher
    with watcher.place():
        yield


def _seen(last_event_id: str, state: State) -> int:
    """The sequence that the caller has seen; -1 for an id that is none of this run's."""
    seen = int(last_event_id) if re.fullmatch(r"[0-9]{1,9}", last_event_id) else -1
    return seen if seen <= state.sequence else -1


def _event(state: State) -> bytes:
    name = state.status if state.over else "progress"
    return b"event: %s\nid: %d\ndata: %s\n\n" % (name.encode(), state.sequence, state.body)


@asynccontextmanager
async def _while_listening(receive: Receive) -> AsyncIterator[None]:
    """A block that ends early when the caller leaves."""
    async with create_task_group() as group:
        group.start_soon(_leave, receive, group.cancel_scope)
        yield
        group.cancel_scope.cancel()


async def _leave(receive: Receive, block: CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    block.cancel()
