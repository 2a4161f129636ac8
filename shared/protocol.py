"""HTTP/1.1 as uvicorn reads it, with what it lacks: a limit on a request's head, and word to those who wait."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from shared.errors import BadRequest, Problem, RequestTimeout, respond

MOST_HEAD_BYTES = 64 << 10
HEAD_SECONDS = 10.0
ON_STOP = "on_stop"  # in the state of the application's lifespan: called when the process is told to end


class BoundedProtocol(HttpToolsProtocol):
    """Ends a connection whose request line and fields still go on after `MOST_HEAD_BYTES` and one read more.

    Or after `head_seconds`, which a new connection has to begin and end them, and an old one once it has begun.
    What cannot be read as HTTP is answered with a problem document too.
    """

    head_seconds = HEAD_SECONDS
    _in_head = False
    _head_bytes = 0
    _head_due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_came()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        continued = self._in_head
        super().data_received(data)
        if self._in_head and self._head_due is None:
            self._await_head()
        if continued and self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MOST_HEAD_BYTES:
                self.send_400_response("The request's line and header fields are too large.")

    def on_message_begin(self) -> None:
        self._in_head, self._head_bytes = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._head_came()
        super().on_headers_complete()

    def shutdown(self) -> None:
        """Also tell the application, whose open calls the server now waits for."""
        if ON_STOP in self.app_state:
            self.app_state[ON_STOP]()
        super().shutdown()

    def send_400_response(self, msg: str) -> None:
        self._refuse(BadRequest(msg))

    def _await_head(self) -> None:
        self._head_due = self.loop.call_later(self.head_seconds, self._head_is_late)

    def _head_is_late(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            told = f"The request's line and header fields took more than {self.head_seconds:g} seconds."
            self._refuse(RequestTimeout(told))
        else:  # it was sent ahead, while the answer before it is still going out
            self._await_head()

    def _head_came(self) -> None:
        if self._head_due is not None:
            self._head_due.cancel()
            self._head_due = None

    def _refuse(self, problem: Problem) -> None:
        answer = respond(problem.document(instance=None))
        fields = b"".join(b"%s: %s\r\n" % field for field in answer.raw_headers)
        self.transport.write(STATUS_LINE[problem.status] + fields + b"connection: close\r\n\r\n" + bytes(answer.body))
        self.transport.close()
