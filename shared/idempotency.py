"""`Idempotency-Key`: a POST that is sent again has its effect once, and the first answer is given again.

Key, digest of the request and answer are stored in the transaction of the effect, so there is never one without the
other. An answer is kept for three days. Calls that store nothing, and calls that fail, keep nothing: they may be
sent again as if for the first time.
"""

import datetime
import hashlib
import re
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from sqlalchemy import Connection, DateTime, LargeBinary, delete, func, text
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
KEPT_HEADERS = ("content-type", "location", "etag")
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

    def __init__(self, kept: KeptAnswer) -> None:
        headers = {**kept.headers, "Idempotency-Replayed": "true"}
        self.response = Response(kept.body, status_code=kept.status, headers=headers)


class Attempt:
    """One call that carries a key. What the call says is digested as it is read, so that no body is held for it."""

    def __init__(self, key: str, request: Request) -> None:
        self.key = key
        said = (request.method, str(request.url.path), request.url.query)
        coded = (request.headers.get(name, "") for name in ("content-type", "content-encoding"))
        self._digest = hashlib.sha256("\n".join([*said, *coded]).encode("utf-8", "surrogateescape") + b"\n")
        self._session: Session | None = None
        self._who: Principal | None = None

    def listening(self, receive: Receive) -> Receive:
        """The body as it comes in, and what of it was read becomes part of the digest."""

        async def listened() -> Message:
            message = await receive()
            self._digest.update(message.get("body", b""))
            return message

        return listened

    def begin(self, session: Session, who: Principal) -> None:
        """Take the key for this transaction; raises Replayed, InProgress or KeyReused where it was taken before."""
        named = f"{who.area.area}\n{_caller(who)}\n{self.key}"
        taken = session.scalar(text("SELECT pg_try_advisory_xact_lock(hashtextextended(:named, 0))"), {"named": named})
        if not taken:
            raise InProgress("Wait for the first call to end, then send this one again.")
        self.digest = self._digest.digest()
        kept = session.get(KeptAnswer, (who.area.area, _caller(who), self.key))
        if kept is not None and kept.digest != self.digest:
            raise KeyReused("Another request was sent with this key; choose a new key for a new request.")
        if kept is not None:
            raise Replayed(kept)
        self._session, self._who = session, who

    def keep(self, response: Response) -> None:
        """Store the answer beside the effect, where there was one."""
        if self._session is None or self._who is None:
            return
        headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
        place = {"area": self._who.area.area, "caller": _caller(self._who), "key": self.key}
        answer = {"status": response.status_code, "headers": headers, "body": bytes(response.body)}
        self._session.add(KeptAnswer(**place, digest=self.digest, **answer))
        self._session.flush()


class OnceRoute(StrictRoute):
    """A strict route whose POST honours `Idempotency-Key`."""

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
            request.state.attempt = attempt = Attempt(key, request)
            response = await handler(Request(request.scope, attempt.listening(request.receive)))
            await run_in_threadpool(attempt.keep, response)
            return response

        return once


def begin(request: Request, session: Session, who: Principal) -> None:
    """For the writing session: take the request's key, if it has one, before anything is done."""
    attempt: Attempt | None = getattr(request.state, "attempt", None)
    if attempt is not None:
        attempt.begin(session, who)


def forget(session: Session) -> None:
    """Remove the answers that have been kept long enough."""
    old = KeptAnswer.created_at < func.now() - datetime.timedelta(days=KEPT_DAYS)
    session.execute(delete(KeptAnswer).where(old))


def install(connection: Connection) -> None:
    """Create the table, in a service's first migration."""
    Base.metadata.create_all(connection)


def _caller(who: Principal) -> str:
    """Two persons behind one system's key are two callers."""
    return f"{who.id} {who.on_behalf_of or ''}".rstrip()
