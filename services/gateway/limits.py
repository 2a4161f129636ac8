"""What one caller and one area may take of a gateway process, so that there is enough for all others.

Fields: draft-ietf-httpapi-ratelimit-headers-10. Counts are those of this process: there is no store that gateways
share, so behind a balancer of n gateways n times as much may pass.
"""

import math
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter
from starlette.types import Message, Scope, Send

from services.gateway.auth import Caller, RawHeaders
from services.gateway.headers import RawHeader
from services.gateway.settings import GatewaySettings
from shared.errors import RateLimited

EVENT_STREAM = b"text/event-stream"
FEED_SEGMENTS = "/v1/areas/{area}/events".count("/")  # the feed, which is pulled unless it is asked to stream


class TooManyCalls(RateLimited):
    slug, title = "too-many-calls", "Too many calls at a time"


class TooManyStreams(RateLimited):
    slug, title = "too-many-streams", "Too many callers wait or follow"


class Limits:
    """Calls by principal over time, and calls under way by principal and by area.

    A call that waits (`Prefer: wait`, an event stream) costs little and lasts long: it is counted among its like.
    """

    def __init__(self, settings: GatewaySettings) -> None:
        self._rate = RateLimitItemPerSecond(settings.most_calls, settings.calls_seconds)
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._calls = Places(settings.most_calls_at_a_time, settings.most_area_calls_at_a_time, TooManyCalls)
        self._streams = Places(settings.most_streams, settings.most_area_streams, TooManyStreams)
        calls = f'"calls";q={settings.most_calls};w={settings.calls_seconds}'
        at_a_time = f'"at-a-time";q={settings.most_calls_at_a_time};qu="concurrent-requests"'
        self._policy = (b"ratelimit-policy", f"{calls}, {at_a_time}".encode())

    async def count(self, caller: Caller, told: "Told") -> None:
        """Count a call, and tell its caller how many are left; RateLimited where none is."""
        passes = await self._limiter.hit(self._rate, caller.id)
        reset, left = await self._limiter.get_window_stats(self._rate, caller.id)
        seconds = max(1, math.ceil(reset - time.time()))
        told.fields = [self._policy, (b"ratelimit", b'"calls";r=%d;t=%d' % (max(left, 0), seconds))]
        if not passes:
            raise RateLimited(f"{self._rate} are allowed to one caller.", retry_after=seconds)

    @contextmanager
    def place(self, caller: Caller, area: str | None, scope: Scope) -> Iterator[None]:
        """A place for one call as long as the block lasts; TooManyCalls or TooManyStreams where there is none."""
        places = self._streams if is_waiting(scope["path"], scope["headers"]) else self._calls
        with places.taken(caller.id, area):
            yield


class Places:
    """Calls at a time of one principal, and of one area."""

    def __init__(self, of_caller: int, of_area: int, refusal: type[RateLimited]) -> None:
        self._most = {"caller": of_caller, "area": of_area}
        self._taken = Counter[tuple[str, str]]()
        self._refusal = refusal

    @contextmanager
    def taken(self, caller: str, area: str | None) -> Iterator[None]:
        """One place of each; the refusal where either has none left."""
        mine = [("caller", caller)] if area is None else [("caller", caller), ("area", area)]
        for whose, name in mine:
            if self._taken[whose, name] >= self._most[whose]:
                raise self._refusal(f"One {whose} may have {self._most[whose]} of them under way at a time.")
        self._taken.update(mine)
        try:
            yield
        finally:
            for one in mine:
                self._taken[one] -= 1
                if not self._taken[one]:
                    del self._taken[one]


class Told:
    """A caller's `send`, which adds `fields` to the head of the answer."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.fields: list[RawHeader] = []

    async def __call__(self, message: Message) -> None:
        if self.fields and message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *self.fields]
        await self._send(message)


def is_waiting(path: str, headers: RawHeaders) -> bool:
    """Whether a call is one that mostly waits: for the end of a run, or for events."""
    for name, value in headers:
        if (name == b"prefer" and b"wait" in value.lower()) or (name == b"accept" and EVENT_STREAM in value):
            return True
    return path.endswith("/events") and path.count("/") > FEED_SEGMENTS
