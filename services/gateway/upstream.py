"""One service behind the gateway: forwards a call to it and streams its answer back, byte for byte."""

import asyncio
import logging
import math
import random
import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp
from pydantic import ValidationError
from starlette.types import Receive, Scope, Send
from yarl import URL

from services.gateway import headers
from services.gateway.body import Body
from services.gateway.replicas import Replica, Replicas
from services.gateway.settings import GatewaySettings
from services.gateway.watch import Gone, Watch
from shared import observe
from shared.app import HealthOut
from shared.errors import BadRequest, Problem, Unavailable
from shared.principal import HEADER, Principal, Signer

# Below the services' 5, and below the 2 that they linger when they are told to end, so that no call meets a connection
# that is just being closed.
KEEP_ALIVE_SECONDS = 1.5
RETRY_SECONDS = 0.05, 0.15
SAFE = frozenset({"GET", "HEAD"})
UNSENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
ADDED_BY_LIBRARY = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
log = logging.getLogger(__name__)


class BadGateway(Problem):
    status, slug, title = 502, "bad-gateway", "The service broke off"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers={"Retry-After": "2"})


class GatewayTimeout(Problem):
    status, slug, title = 504, "gateway-timeout", "The service did not answer in time"


@dataclass
class Call:
    """A call as it goes out. target: path and query. body: that of the caller, where there is one.

    replica: the process that it was sent to last.
    """

    method: str
    target: str
    fields: Sequence[tuple[str, str]]
    content: bytes | AsyncIterator[bytes] | None = None
    body: Body | None = None
    replica: Replica | None = None


ASKING = Call("GET", "/v1/health/ready", ())


class Upstream:
    """A service, the addresses of its processes and the secret that it shares with the gateway."""

    def __init__(self, name: str, urls: str, secret: str, settings: GatewaySettings) -> None:
        self.name = name
        self._replicas = Replicas(urls, settings)
        self._signer = Signer(name, secret)
        self._settings = settings
        self._under_way = 0
        self._session: aiohttp.ClientSession

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Hold connections to the service for the length of the block."""
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_SECONDS, ttl_dns_cache=10)
        async with aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(connect=self._settings.connect_seconds),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=ADDED_BY_LIBRARY,
        ) as self._session:
            self._session._retry_connection = False  # noqa: SLF001  it would send PUT and DELETE twice
            yield

    async def watch(self) -> None:
        """Ask again and again which of several processes are ready, until cancelled."""
        while len(self._replicas.all) > 1:
            await asyncio.sleep(self._settings.health_seconds)
            await self.health()

    async def forward(self, principal: Principal, scope: Scope, receive: Receive, send: Send) -> None:
        """Carry one call out. Raises a problem while nothing of the answer is out; afterwards the connection ends."""
        settings = self._settings
        limits = {"limit": settings.most_body_bytes, "rate": settings.least_upload_rate}
        body, relay = Body(scope, receive, idle=settings.upload_seconds, **limits), Relay(send)
        call = Call(scope["method"], _target(scope), headers.inbound(scope["headers"]), body=body)
        call.fields = [*call.fields, *self._fields(principal, call.method, scope["raw_path"].decode("ascii"))]
        try:
            with self._place(), Watch(body.abandoned, settings.answer_seconds) as watch:
                await _take_content(call, body, watch)
                async with await self._send(call) as answer:
                    await relay.pass_on(answer, watch)
        except (Gone, TimeoutError, aiohttp.ClientError) as error:
            fault = body.fault or error
            log.warning("%s: %s %s: %r", self.name, scope["method"], scope["path"], fault)
            if relay.started or isinstance(fault, Gone):
                return
            if fault is error and call.replica is not None and not isinstance(error, aiohttp.ClientError):
                call.replica.circuit.failed(error)
            raise self._problem(fault) from None

    async def ask(self, principal: Principal, method: str, path: str, query: str = "") -> Any:
        """The JSON that the service answers with 200 to a call without a body; any other answer is a problem."""
        target = f"{path}?{query}" if query else path
        call = Call(method, target, self._fields(principal, method, path))
        try:
            async with asyncio.timeout(self._settings.answer_seconds), await self._send(call) as answer:
                if answer.status == HTTPStatus.OK:
                    return await answer.json()
        except (TimeoutError, aiohttp.ClientError, ValueError) as error:
            raise self._problem(error) from None
        raise BadGateway(f"The {self.name} service answered {answer.status}.")

    async def health(self) -> str:
        """What keeps the service from working, its worker included; `ok` where one process at least can."""
        states = await asyncio.gather(*map(self._state, self._replicas.all))
        return "ok" if "ok" in states else states[0]

    async def _state(self, replica: Replica) -> str:
        """The same of one process, of which it is noted whether it is fit to take calls."""
        replica.fit, circuit = False, replica.circuit
        if not circuit.passes:
            return "does not answer"
        try:
            with circuit.call():
                async with asyncio.timeout(self._settings.ready_seconds), self._request(replica, ASKING) as answer:
                    told = await answer.read()
        except (TimeoutError, aiohttp.ClientError) as error:
            circuit.failed(error)
            return "does not answer"
        circuit.answered()
        replica.fit = answer.status == HTTPStatus.OK
        return _wrong(told)

    @contextmanager
    def _place(self) -> Iterator[None]:
        if self._under_way >= self._settings.most_connections:
            raise Unavailable(f"The {self.name} service has as many calls under way as it may have; try again.")
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1

    async def _send(self, call: Call) -> aiohttp.ClientResponse:
        """The answer of the first process that gives one.

        A call that could not be sent goes to the next process. A GET is also tried once more, from the beginning.
        """
        tried: list[Replica] = []
        again = call.method in SAFE
        while True:
            call.replica = replica = self._pick(tried)
            try:
                with replica.circuit.call():
                    answer: aiohttp.ClientResponse = await self._request(replica, call)
            except aiohttp.ClientError as error:
                if call.body is not None and call.body.fault is not None:
                    raise
                replica.circuit.failed(error)
                tried.append(replica)
                if isinstance(error, UNSENT) and self._replicas.pick(tried):
                    continue
                if not again:
                    raise
                log.warning("%s: %s: %r, once more", self.name, call.method, error)
            else:
                replica.circuit.answered()
                return answer
            again, tried = False, []
            await asyncio.sleep(random.uniform(*RETRY_SECONDS))  # noqa: S311  callers apart from each other

    def _pick(self, tried: Sequence[Replica]) -> Replica:
        replica = self._replicas.pick(tried)
        if replica is None:
            seconds = math.ceil(self._settings.circuit_seconds)
            detail = f"The {self.name} service has failed again and again and is left alone for {seconds} seconds."
            raise Unavailable(detail, retry_after=seconds)
        return replica

    def _fields(self, principal: Principal, method: str, path: str) -> list[tuple[str, str]]:
        trace = f"00-{observe.request_id()}-{secrets.token_hex(8)}-01"
        return [(HEADER, self._signer.sign(principal, method, path)), ("traceparent", trace)]

    def _request(self, replica: Replica, call: Call) -> Any:
        url = URL(replica.origin + call.target, encoded=True)
        return self._session.request(call.method, url, headers=call.fields, data=call.content, allow_redirects=False)

    def _problem(self, error: Exception) -> Problem:
        if isinstance(error, Problem):
            return error
        if isinstance(error, UNSENT):
            return Unavailable(f"The {self.name} service cannot be reached; try again.")
        if isinstance(error, TimeoutError):
            seconds = self._settings.answer_seconds
            return GatewayTimeout(f"The {self.name} service stood still for {seconds:g} seconds; see what took effect.")
        return BadGateway(f"The {self.name} service broke off; see what took effect.")


def _target(scope: Scope) -> str:
    path, query = scope["raw_path"].decode("ascii"), scope["query_string"]
    if not query.isascii():
        raise BadRequest("The query holds bytes that must be percent-encoded.")
    return f"{path}?{query.decode()}" if query else path


async def _take_content(call: Call, body: Body, watch: Watch) -> None:
    call.content = await body.content(watch.moved)
    if body.length and not isinstance(call.content, bytes):
        call.fields = [*call.fields, ("Content-Length", str(body.length))]


def _wrong(told: bytes) -> str:
    """What a service says of itself, in a line."""
    try:
        checks = HealthOut.model_validate_json(told).checks
    except ValidationError:
        return "does not answer"
    return "; ".join(f"{name}: {state}" for name, state in checks.items() if state != "ok") or "ok"


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
