"""One service behind the gateway: forwards a call to it and streams its answer back, byte for byte."""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http import HTTPStatus
from typing import Any

import aiohttp
from pydantic import ValidationError
from starlette.types import Receive, Scope, Send
from yarl import URL

from services.gateway import headers
from services.gateway.body import Body
from services.gateway.settings import GatewaySettings
from services.gateway.watch import Gone, Watch
from shared import observe
from shared.app import HealthOut
from shared.errors import BadRequest, Problem, Unavailable
from shared.principal import HEADER, Principal, Signer

KEEP_ALIVE_SECONDS = 3  # below the services' 5, so that no call meets a connection that is just being closed
ADDED_BY_LIBRARY = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
log = logging.getLogger(__name__)


class BadGateway(Problem):
    status, slug, title = 502, "bad-gateway", "The service broke off"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers={"Retry-After": "2"})


class GatewayTimeout(Problem):
    status, slug, title = 504, "gateway-timeout", "The service did not answer in time"


class Upstream:
    """A service, its address and the secret that it shares with the gateway."""

    def __init__(self, name: str, url: str, secret: str, settings: GatewaySettings) -> None:
        self.name = name
        self._origin = url.rstrip("/")
        self._signer = Signer(name, secret)
        self._settings = settings
        self._session: aiohttp.ClientSession

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Hold connections to the service for the length of the block."""
        connector = aiohttp.TCPConnector(
            limit=self._settings.most_connections, keepalive_timeout=KEEP_ALIVE_SECONDS, ttl_dns_cache=10
        )
        async with aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(connect=self._settings.connect_seconds),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=ADDED_BY_LIBRARY,
        ) as self._session:
            yield

    async def forward(self, principal: Principal, scope: Scope, receive: Receive, send: Send) -> None:
        """Carry one call out. Raises a problem while nothing of the answer is out; afterwards the connection ends."""
        settings = self._settings
        body = Body(scope, receive, limit=settings.most_body_bytes, idle=settings.upload_seconds)
        relay = Relay(send)
        try:
            with Watch(body.abandoned, settings.answer_seconds) as watch:
                async with await self._call(principal, scope, body, watch) as answer:
                    await relay.pass_on(answer, watch)
        except (Gone, TimeoutError, aiohttp.ClientError) as error:
            fault = body.fault or error
            log.warning("%s: %s %s: %r", self.name, scope["method"], scope["path"], fault)
            if not relay.started and not isinstance(fault, Gone):
                raise self._problem(fault) from None

    async def ask(self, principal: Principal, method: str, path: str, query: str = "") -> Any:
        """The JSON that the service answers with 200 to a call without a body; any other answer is a problem."""
        target = f"{path}?{query}" if query else path
        try:
            async with (
                asyncio.timeout(self._settings.answer_seconds),
                self._request(method, target, self._fields(principal, method, path), None) as answer,
            ):
                if answer.status == HTTPStatus.OK:
                    return await answer.json()
        except (TimeoutError, aiohttp.ClientError, ValueError) as error:
            raise self._problem(error) from None
        raise BadGateway(f"The {self.name} service answered {answer.status}.")

    async def health(self) -> str:
        """What keeps the service from working, its worker included; `ok` where nothing does."""
        try:
            async with (
                asyncio.timeout(self._settings.ready_seconds),
                self._request("GET", "/v1/health/ready", [], None) as answer,
            ):
                checks = HealthOut.model_validate_json(await answer.read()).checks
        except (TimeoutError, aiohttp.ClientError, ValidationError):
            return "does not answer"
        wrong = [f"{name}: {state}" for name, state in checks.items() if state != "ok"]
        return "; ".join(wrong) or "ok"

    async def _call(
        self, principal: Principal, scope: Scope, body: Body, watch: Watch
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        path, query = scope["raw_path"].decode("ascii"), scope["query_string"]
        if not query.isascii():
            raise BadRequest("The query holds bytes that must be percent-encoded.")
        fields = headers.inbound(scope["headers"]) + self._fields(principal, scope["method"], path)
        content = await body.content(watch.moved)
        if body.length and not isinstance(content, bytes):
            fields.append(("Content-Length", str(body.length)))
        target = f"{path}?{query.decode()}" if query else path
        return self._request(scope["method"], target, fields, content)

    def _fields(self, principal: Principal, method: str, path: str) -> list[tuple[str, str]]:
        trace = f"00-{observe.request_id()}-{secrets.token_hex(8)}-01"
        return [(HEADER, self._signer.sign(principal, method, path)), ("traceparent", trace)]

    def _request(
        self, method: str, target: str, fields: list[tuple[str, str]], content: Any
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        url = URL(self._origin + target, encoded=True)
        return self._session.request(method, url, headers=fields, data=content, allow_redirects=False)

    def _problem(self, error: Exception) -> Problem:
        if isinstance(error, Problem):
            return error
        if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
            return Unavailable(f"The {self.name} service cannot be reached; try again.")
        if isinstance(error, TimeoutError):
            seconds = self._settings.answer_seconds
            return GatewayTimeout(f"The {self.name} service stood still for {seconds:g} seconds; see what took effect.")
        return BadGateway(f"The {self.name} service broke off; see what took effect.")


class Relay:
    """An answer on its way down. `started` once the caller has its status."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False

    async def pass_on(self, answer: aiohttp.ClientResponse, watch: Watch) -> None:
        """Send status, fields and body, one piece at a time and none before the one before is taken."""
        self.started = True
        start = {
            "type": "http.response.start",
            "status": answer.status,
            "headers": headers.outbound(answer.raw_headers),
        }
        await self._send(start)
        more = True
        while more:
            piece = await answer.content.readany()
            more = not answer.content.at_eof()
            await self._send({"type": "http.response.body", "body": piece, "more_body": more})
            watch.moved()
