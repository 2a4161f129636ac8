"""A server that ends without losing a call: it says so first, and stops to listen when nobody sends any more."""

import asyncio
import sys
import time

import uvicorn
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.protocol import BoundedProtocol

DRAIN_SECONDS = 5
PAUSE_SECONDS = 0.05
READY_PATH = "/v1/health/ready"
CLOSE = (b"connection", b"close")


class Lingering:
    """ASGI around a whole application. Once it is `ending`, it is not ready, and every answer closes its connection."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.ending = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self.ending or scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def closing(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), CLOSE]
            await send(message)

        app = _STOPPING if scope["path"] == READY_PATH else self._app
        await app(scope, receive, closing)


_STOPPING = JSONResponse({"status": "not ready", "checks": {"process": "is ending"}}, status_code=503)


class Server(uvicorn.Server):
    """Told to end, it goes on for `linger` seconds, in which balancers see that it is not ready and clients reconnect.

    Then it stops listening, and what it has accepted has `DRAIN_SECONDS` to finish. A second signal ends it at once.
    """

    def __init__(self, config: uvicorn.Config, app: Lingering, linger: float) -> None:
        super().__init__(config)
        self._app = app
        self._linger = linger

    async def shutdown(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        self._app.ending = True
        end = time.monotonic() + self._linger
        while time.monotonic() < end and not self.force_exit:  # noqa: ASYNC110  a signal handler sets it
            await asyncio.sleep(PAUSE_SECONDS)
        await super().shutdown(sockets)  # type: ignore[arg-type]


def serve(app: ASGIApp, host: str, port: int, linger: float) -> None:
    """Answer HTTP until SIGTERM or SIGINT."""
    lingering = Lingering(app)
    config = uvicorn.Config(
        lingering,
        http=BoundedProtocol,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    server = Server(config, lingering, linger)
    server.run()
    if not server.started:
        sys.exit(1)
