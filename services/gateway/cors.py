"""Which pages may call from a browser (the Fetch standard's CORS protocol)."""

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

EXPOSED = (
    "Content-Disposition",
    "ETag",
    "Idempotency-Replayed",
    "Location",
    "Preference-Applied",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "X-Request-Id",
)
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
PREFLIGHT_SECONDS = 600


class Cors:
    """ASGI in front of everything: pages of the named origins may read answers. All others see no field of it.

    origins: as the settings name them. Callers send keys, no cookies, so credentials are never allowed.
    """

    def __init__(self, app: ASGIApp, origins: str) -> None:
        self._app = app
        self._origins = frozenset(origin.strip().encode() for origin in origins.split(",") if origin.strip())
        self._allowing = CORSMiddleware(
            app,
            allow_origins=[origin.decode() for origin in self._origins],
            allow_methods=METHODS,
            allow_headers=["*"],
            expose_headers=EXPOSED,
            max_age=PREFLIGHT_SECONDS,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        allowed = scope["type"] == "http" and self._comes_from_one(scope)
        await (self._allowing if allowed else self._app)(scope, receive, send)

    def _comes_from_one(self, scope: Scope) -> bool:
        return any(name == b"origin" and value in self._origins for name, value in scope["headers"])
