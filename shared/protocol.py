"""HTTP/1.1 as uvicorn reads it, with what it lacks: a limit on a request's head, and word to those who wait."""

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from shared.errors import BadRequest, respond

MOST_HEAD_BYTES = 64 << 10
ON_STOP = "on_stop"  # in the state of the application's lifespan: called when the process is told to end


class BoundedProtocol(HttpToolsProtocol):
    """Ends a connection whose request line and fields still go on after `MOST_HEAD_BYTES` and one read more.

    What cannot be read as HTTP is answered with a problem document too.
    """

    _in_head = False
    _head_bytes = 0

    def data_received(self, data: bytes) -> None:
        continued = self._in_head
        super().data_received(data)
        if continued and self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MOST_HEAD_BYTES:
                self.send_400_response("The request's line and header fields are too large.")

    def on_message_begin(self) -> None:
        self._in_head, self._head_bytes = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def shutdown(self) -> None:
        """Also tell the application, whose open calls the server now waits for."""
        if ON_STOP in self.app_state:
            self.app_state[ON_STOP]()
        super().shutdown()

    def send_400_response(self, msg: str) -> None:
        answer = respond(BadRequest(msg).document(instance=None))
        fields = b"".join(b"%s: %s\r\n" % field for field in answer.raw_headers)
        self.transport.write(STATUS_LINE[400] + fields + b"connection: close\r\n\r\n" + bytes(answer.body))
        self.transport.close()
