"""A request's body on its way to a service: passed on piece by piece, never held, never larger than allowed."""

import asyncio
from collections.abc import AsyncIterator, Callable

from starlette.types import Receive, Scope

from services.gateway.watch import Gone
from shared.errors import BadRequest, Problem, RequestTimeout, TooLarge


class Body:
    """The body of one request.

    limit: bytes. idle: seconds that may pass between two pieces. rate: bytes a second that it must have come in with
    once it is `idle` seconds old. `length` is in bytes, as announced; `fault` tells why the body ended before its end,
    where it did.
    """

    def __init__(self, scope: Scope, receive: Receive, *, limit: int, idle: float, rate: int) -> None:
        self._receive = receive
        self._limit = limit
        self._idle = idle
        self._rate = rate
        self._began = asyncio.get_running_loop().time()
        self._held_up = 0.0
        self._passed = 0
        self._ended = asyncio.Event()
        self.length = _length(scope)
        self.fault: Problem | Gone | None = None
        if self.length is not None and self.length > limit:
            raise self._too_large()

    async def content(self, moved: Callable[[], None]) -> bytes | AsyncIterator[bytes] | None:
        """For the client library: nothing, the whole where it came in one piece, or the pieces as they come.

        moved: called for each piece.
        """
        if self.length == 0:
            self._ended.set()
            return None
        piece = await self._next()
        return piece if self._ended.is_set() else self._pieces(piece, moved)

    async def abandoned(self) -> None:
        """Returns once the caller has closed the connection after the whole body was sent."""
        await self._ended.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _pieces(self, piece: bytes, moved: Callable[[], None]) -> AsyncIterator[bytes]:
        clock = asyncio.get_running_loop().time
        while True:
            offered = clock()
            yield piece
            self._held_up += clock() - offered  # the service takes its time, which is not the caller's
            if self._ended.is_set():
                return
            piece = await self._next()
            moved()

    async def _next(self) -> bytes:
        now = asyncio.get_running_loop().time()
        due = self._began + self._held_up + self._idle + self._passed / self._rate
        try:
            async with asyncio.timeout_at(min(now + self._idle, due)):
                message = await self._receive()
        except TimeoutError:
            least = f"less than {self._rate} bytes a second"
            told = f"The body stood still for {self._idle:g} seconds, or came with {least}."
            raise self._failed(RequestTimeout(told)) from None
        if message["type"] == "http.disconnect":
            raise self._failed(Gone())
        piece: bytes = message.get("body", b"")
        self._passed += len(piece)
        if self._passed > self._limit:
            raise self._failed(self._too_large())
        if not message.get("more_body", False):
            self._ended.set()
        return piece

    def _too_large(self) -> TooLarge:
        return TooLarge(f"A body may hold at most {self._limit} bytes.")

    def _failed(self, fault: Problem | Gone) -> Problem | Gone:
        self.fault = fault
        return fault


def _length(scope: Scope) -> int | None:
    """Bytes as announced; 0 where no body is announced at all; None where it comes in chunks of any number."""
    fields = dict(scope["headers"])
    announced = fields.get(b"content-length")
    if announced is None:
        return None if b"transfer-encoding" in fields else 0
    if not announced.isdigit():
        raise BadRequest("Content-Length is no number.")
    return int(announced)
