"""The way into the gateway: path, caller, permission, service. Nothing of the table is reached without passing it."""

import logging
from collections.abc import Mapping
from contextlib import ExitStack

from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from services.gateway.auth import CALLER, PROFILE, Gate
from services.gateway.limits import Limits, Told
from services.gateway.routing import Found, Routes
from services.gateway.upstream import Upstream
from shared.errors import NotFound, Problem

FAULT = "fault"
SAFE = frozenset({"GET"})
log = logging.getLogger(__name__)


class MethodNotAllowed(Problem):
    status, slug, title = 405, "method-not-allowed", "Method not allowed"


class Entrance:
    """ASGI in front of the gateway's own FastAPI application, `inside`: a call to a service costs nothing of that.

    The gateway's own operations go inside with their caller in the scope, refused calls with the reason (`Refusals`
    answers them), and what needs no caller, such as /docs, as it came.
    """

    def __init__(
        self, inside: ASGIApp, routes: Routes, gate: Gate, limits: Limits, upstreams: Mapping[str, Upstream]
    ) -> None:
        self._inside = inside
        self._routes = routes
        self._gate = gate
        self._limits = limits
        self._upstreams = upstreams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _is_open(scope["path"]):
            await self._inside(scope, receive, send)
            return
        told = Told(send)
        with ExitStack() as held:
            try:
                if await self._admit(self._find(scope), scope, receive, told, held):
                    return
            except Exception as fault:  # noqa: BLE001  inside, every error has its answer
                scope[FAULT] = fault
            await self._inside(scope, receive, told)

    def _find(self, scope: Scope) -> Found:
        """What the table has on the path. An encoded slash is no separator, though the decoded path shows it as one."""
        path = scope["path"]
        found = self._routes.find(path) if path.count("/") == scope["raw_path"].count(b"/") else None
        if found is None:
            raise NotFound("There is no such path.")
        return found

    async def _admit(self, found: Found, scope: Scope, receive: Receive, send: Told, held: ExitStack) -> bool:
        """Let the caller in, and pass the call on where a service answers it: then it is done.

        held: keeps the call's place among those under way.
        """
        operation = found.operations.get(scope["method"])
        if operation is None:
            allowed = ", ".join(sorted(found.operations))
            raise MethodNotAllowed(f"This path takes {allowed}.", headers={"Allow": allowed})
        caller = await self._gate.caller(scope["headers"])
        await self._limits.count(caller, send)
        profile = await self._gate.admit(caller, operation, found.area)
        held.enter_context(self._limits.place(caller, found.area, scope))
        if operation.service and profile is not None:
            await self._upstreams[operation.service].forward(caller.inside(profile), scope, receive, send)
            return True
        scope[CALLER], scope[PROFILE] = caller, profile
        if scope["method"] not in SAFE:
            log.info("%s %s by %s", scope["method"], scope["path"], caller.id)
        return False


def _is_open(path: str) -> bool:
    """Whether nobody need say who is calling: health and documentation. All else is in the table or does not exist."""
    return not path.startswith("/v1/") or path.startswith("/v1/health/")


class Refusals(BaseRoute):
    """The route of calls that the entrance refused: raises why, for the application's handlers to answer."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return (Match.FULL if FAULT in scope else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  the name of the base
        raise scope[FAULT]
