"""Stands where a worker looks for MLflow: passes its calls on, keeps them waiting, answers 500 or hangs up."""

import http.client
import threading
from collections import Counter
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal, Self

from services.embedded.environment import HOST

Mode = Literal["up", "slow", "failing", "down"]
SLOW_SECONDS = 30.0
PASSED_ON = {"content-type", "accept", "authorization"}


class StandIn:
    """A context that answers on `url` as `mode` says. upstream: port of the real MLflow on this machine.

    answered: calls by the mode of their answer. waiting: calls that have no answer yet.
    """

    def __init__(self, mode: Mode, upstream: int | None = None) -> None:
        self.mode = mode
        self.answered: Counter[Mode] = Counter()
        self.waiting = 0
        self._upstream = upstream
        self._changed = threading.Event()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer((HOST, 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.turn("down")
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def turn(self, mode: Mode) -> None:
        """Answer in another way from now on, calls that wait among them."""
        with self._lock:
            self.mode = mode
            self._changed.set()
            self._changed = threading.Event()

    def _meet(self) -> Mode:
        """How a call is to be answered; a slow one, when its time has come."""
        with self._lock:
            mode, changed = self.mode, self._changed
            self.waiting += 1
        if mode == "slow" and changed.wait(SLOW_SECONDS):
            mode = self.mode
        with self._lock:
            self.waiting -= 1
            self.answered[mode] += 1
        return mode

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                content = self.rfile.read(int(self.headers.get("content-length") or 0))
                mode = stand_in._meet()
                if mode == "down":
                    self.close_connection = True
                elif mode == "failing" or stand_in._upstream is None:
                    self.send_error(HTTPStatus.INTERNAL_SERVER_ERROR)
                else:
                    self.pass_on(stand_in._upstream, content)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815  named by http.server

            def pass_on(self, port: int, content: bytes) -> None:
                upstream = http.client.HTTPConnection(HOST, port, timeout=SLOW_SECONDS)
                headers = {name: value for name, value in self.headers.items() if name.lower() in PASSED_ON}
                upstream.request(self.command, self.path, content, headers)
                answer = upstream.getresponse()
                told = answer.read()
                upstream.close()
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.getheader("Content-Type", "application/json"))
                self.send_header("Content-Length", str(len(told)))
                self.end_headers()
                self.wfile.write(told)

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
                """Nothing: what is asked is counted."""

        return Handler
