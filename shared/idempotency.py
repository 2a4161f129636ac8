"""`Idempotency-Key`: a POST that is sent again has its effect once, and the first answer is given again.

Key, digest of the request and answer are stored in the transaction of the effect, so there is never one without the
other. An answer is kept for three days. Calls that store nothing, and calls that fail, keep nothing: they may be
sent again as if for the first time.
"""

import datetime
import hashlib
import re
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar

from fastapi import Request
from sqlalchemy import Connection, DateTime, LargeBinary, delete, func, select, text, tuple_
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import Message, Receive

from shared.errors import BadRequest, Conflict, Unprocessable
from shared.http import StrictRoute
from shared.principal import Principal

HEADER = "Idempotency-Key"
KEPT_DAYS = 3
KEPT_HEADERS = ("content-type", "location", "etag", "cache-control")
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


class InProgress(Conflict):
    slug, title, retryable = "in-progress", "The first call with this key has not ended yet", True


class KeyReused(Unprocessable):
    slug, title = "idempotency-key-reused", "The key was used for another request"


class Base(DeclarativeBase):
    """Tables that each service has of its own, outside its features."""


class KeptAnswer(Base):
    """The answer to a call, by the key that its caller chose."""

    __tablename__ = "idempotency_keys"

    area: Mapped[str] = mapped_column(primary_key=True)
    caller: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int]
    headers: Mapped[dict[str, str]] = mapped_column(JSONB)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), index=True
    )


class Replayed(Exception):  # noqa: N818
    """Not an error: the call has had its effect, and this was its answer."""

    def __init__(self, kept: KeptAnswer, body: bytes) -> None:
        headers = {**kept.headers, "Idempotency-Replayed": "true"}
        self.response = Response(body, status_code=kept.status, headers=headers)


class Attempt:
    """One call that carries a key. What the call says is digested as it is read, so that no body is held for it.

    `closed` and `opened` say how the answer's body is stored: here, as it is.
    """

    def __init__(self, key: str, request: Request) -> None:
        self.key = key
        said = (request.method, str(request.url.path), request.url.query)
        coded = (request.headers.get(name, "") for name in ("content-type", "content-encoding"))
        self._digest = hashlib.sha256("\n".join([*said, *coded]).encode("utf-8", "surrogateescape") + b"\n")
        self._session: Session | None = None
        self._place: tuple[str, str, str] | None = None

    def listening(self, receive: Receive) -> Receive:
        """The body as it comes in, and what of it was read becomes part of the digest."""

        async def listened() -> Message:
            message = await receive()
            self._digest.update(message.get("body", b""))
            return message

        return listened

    @property
    def taken(self) -> bool:
        """Whether the key is taken for a transaction: a call that stores nothing never asks for one."""
        return self._place is not None

    def take(self, session: Session, area: str, caller: str) -> None:
        """Take the key for this transaction; raises Replayed, InProgress or KeyReused where it was taken before."""
        place = (area, caller, self.key)
        lock = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:named, 0))")
        if not session.scalar(lock, {"named": "\n".join(place)}):
            raise InProgress("Wait for the first call to end, then send this one again.")
        self.digest = self._digest.digest()
        kept = session.get(KeptAnswer, place)
        if kept is not None and kept.digest != self.digest:
            raise KeyReused("Another request was sent with this key; choose a new key for a new request.")
        if kept is not None:
            raise Replayed(kept, self.opened(kept.body))
        self._session, self._place = session, place

    async def keep(self, response: Response) -> None:
        """Store the answer beside the effect, where there was one."""
        if self.taken:
            await run_in_threadpool(self.store, response)

    def store(self, response: Response) -> None:
        assert self._session is not None  # noqa: S101
        assert self._place is not None  # noqa: S101
        area, caller, key = self._place
        headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
        answer = {"status": response.status_code, "headers": headers, "body": self.closed(bytes(response.body))}
        self._session.add(KeptAnswer(area=area, caller=caller, key=key, digest=self.digest, **answer))
        self._session.flush()

    def closed(self, body: bytes) -> bytes:
        return body

    def opened(self, stored: bytes) -> bytes:
        return stored


class OnceRoute(StrictRoute):
    """A strict route whose POST honours `Idempotency-Key`."""

    attempt: ClassVar[type[Attempt]] = Attempt

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()
        if "POST" not in (self.methods or ()):
            return handler

        async def once(request: Request) -> Response:
            key = request.headers.get(HEADER)
            if key is None:
                return await handler(request)
            if not _KEY.fullmatch(key):
                raise BadRequest(f"{HEADER} must have 1 to 255 visible ASCII characters.")
            request.state.attempt = attempt = self.attempt(key, request)
            response = await handler(Request(request.scope, attempt.listening(request.receive)))
            await attempt.keep(response)
            return response

        return once


def begin(request: Request, session: Session, who: Principal) -> None:
    """For the writing session: take the request's key, if it has one, before anything is done."""
    attempt: Attempt | None = getattr(request.state, "attempt", None)
    if attempt is not None:
        attempt.take(session, who.area.area, caller(who.id, who.on_behalf_of))


def forget(session: Session) -> None:
    """Remove the answers that have been kept long enough; those that somebody else is removing are passed over."""
    row = KeptAnswer
    old = select(row.area, row.caller, row.key).where(row.created_at < func.now() - datetime.timedelta(days=KEPT_DAYS))
    free = old.with_for_update(skip_locked=True)
    session.execute(delete(row).where(tuple_(row.area, row.caller, row.key).in_(free)))


def install(connection: Connection) -> None:
    """Create the table, in a service's first migration."""
    Base.metadata.create_all(connection)


def caller(principal: str, person: str | None) -> str:
    """Two persons behind one system's key are two callers."""
    return f"{principal} {person or ''}".rstrip()
