"""The way through the gateway: path, caller, permission, service."""

import asyncio
import logging
from collections.abc import Mapping

from fastapi.responses import JSONResponse
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from services.gateway.access import Operation
from services.gateway.auth import CALLER, Caller, Gate
from services.gateway.routing import Found, Routes
from services.gateway.upstream import Upstream
from shared.errors import Problem, Unprocessable
from shared.principal import Principal

SAFE = frozenset({"GET"})
log = logging.getLogger(__name__)


class MethodNotAllowed(Problem):
    status, slug, title = 405, "method-not-allowed", "Method not allowed"


class Entrance(BaseRoute):
    """The one route to every operation of the table: nothing is reached without passing it.

    It is ASGI, not FastAPI: a call that is forwarded needs no dependencies and no models. The gateway's own
    operations are FastAPI routes behind it, which find the caller in their scope.
    """

    def __init__(self, routes: Routes, gate: Gate, upstreams: Mapping[str, Upstream], own: ASGIApp) -> None:
        self._routes = routes
        self._gate = gate
        self._upstreams = upstreams
        self._own = own

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        found = self._routes.find(scope["path"]) if scope["type"] == "http" else None
        return (Match.NONE, {}) if found is None else (Match.FULL, {"found": found})

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        found: Found = scope["found"]
        operation = found.operations.get(scope["method"])
        if operation is None:
            allowed = ", ".join(sorted(found.operations))
            raise MethodNotAllowed(f"This path takes {allowed}.", headers={"Allow": allowed})
        caller = await self._gate.caller(scope["headers"])
        profile = await self._gate.admit(caller, operation, found.area)
        if not operation.services or profile is None:
            await self._serve(caller, scope, receive, send)
        else:
            await self._pass(caller.inside(profile), operation, scope, receive, send)

    async def _serve(self, caller: Caller, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in SAFE:
            log.info("%s %s by %s", scope["method"], scope["path"], caller.id)
        await self._own({**scope, CALLER: caller}, receive, send)

    async def _pass(
        self, principal: Principal, operation: Operation, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if len(operation.services) == 1:
            await self._upstreams[operation.services[0]].forward(principal, scope, receive, send)
        else:
            answer = await self._joined(principal, operation, scope)
            await answer(scope, receive, send)

    async def _joined(self, principal: Principal, operation: Operation, scope: Scope) -> JSONResponse:
        """Ask every service that answers the operation, and join the lists in their answers."""
        if scope["query_string"]:
            raise Unprocessable("This call takes no query parameters.")
        path = scope["raw_path"].decode("ascii")
        calls = [self._upstreams[name].ask(principal, operation.method, path) for name in operation.services]
        answers = await asyncio.gather(*calls)
        return JSONResponse({key: [row for answer in answers for row in answer[key]] for key in answers[0]})
