"""Deliveries: one event after the other to each endpoint, signed, at least once, patient with a receiver that fails.

Source: Standard Webhooks 1.0 (signatures, headers, schedule of attempts).
"""

import asyncio
import base64
import datetime
import hashlib
import hmac
import json
import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import aiohttp
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from services.gateway.database import Database
from services.gateway.events.schemas import EventOut
from services.gateway.events.service import out
from services.gateway.events.tables import EventHead, EventRow
from services.gateway.webhooks.guard import PublicResolver, check_literal
from services.gateway.webhooks.tables import Delivery, Endpoint
from shared.errors import Unavailable

SCHEDULE = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)  # seconds after each attempt that failed
SECONDS = 15  # for one answer
LOST_SECONDS = 60  # after which whoever waits for an answer is lost
SENDERS = 8  # of one process: so many slow receivers hold up no others
MOST_TESTS = 3  # at a time: each holds a connection to the database
MOST_ANSWER_BYTES = 10_000
IDLE_SECONDS, TROUBLED_SECONDS = 3.0, 5.0  # another process may have taken what happened
PASSED_AT_ONCE = 1000
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """What the receiver said, or why it said nothing."""

    status: int | None
    error: str | None

    @property
    def taken(self) -> bool:
        return self.status is not None and HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def gone(self) -> bool:
        return self.status == HTTPStatus.GONE


class TooManyTests(Unavailable):
    slug, title = "too-many-tests", "Too many test messages are under way"


class Sender:
    """private: whether receivers may have addresses that are not public."""

    def __init__(self, *, private: bool) -> None:
        self._private = private
        self.testing = 0
        self._resolver = PublicResolver(private=private)
        connector = aiohttp.TCPConnector(resolver=self._resolver, force_close=True, use_dns_cache=False)
        timeout = aiohttp.ClientTimeout(total=SECONDS)
        self._session = aiohttp.ClientSession(connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())

    async def send(self, url: str, secret: bytes, identifier: str, body: bytes) -> Answer:
        """Send one event, once."""
        try:
            check_literal(urlsplit(url).hostname or "", private=self._private)
            headers = signed(secret, identifier, int(time.time()), body) | {"Content-Type": "application/json"}
            async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                await answer.content.read(MOST_ANSWER_BYTES)
                return Answer(answer.status, None)
        except TimeoutError:
            return Answer(None, f"no answer within {SECONDS} seconds")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Answer(None, str(error) or type(error).__name__)

    async def close(self) -> None:
        await self._session.close()


def signed(secret: bytes, identifier: str, at: int, body: bytes) -> dict[str, str]:
    """The headers of a message: its id, its instant, and the signature of both with the body."""
    text = f"{identifier}.{at}.".encode() + body
    signature = base64.b64encode(hmac.new(secret, text, hashlib.sha256).digest()).decode()
    return {"webhook-id": identifier, "webhook-timestamp": str(at), "webhook-signature": f"v1,{signature}"}


def message(event: EventOut, area: str) -> bytes:
    """The body of an event's message."""
    told: dict[str, Any] = event.model_dump(mode="json")
    data = {name: told[name] for name in ("sequence", "source", "subject", "data")}
    body = {"type": event.type, "timestamp": told["at"], "data": {"area": area} | data}
    return json.dumps(body, separators=(",", ":")).encode()


async def keep(database: Database, sender: Sender, happened: asyncio.Event) -> None:
    """Deliver until cancelled, at once where something `happened` here. What fails is logged, and tried again."""
    while True:
        happened.clear()
        try:
            pause = 0.0 if await one(database, sender) else IDLE_SECONDS
        except SQLAlchemyError as error:
            log.warning("webhooks wait: %s", error)
            pause = TROUBLED_SECONDS
        except Exception:
            log.exception("webhooks wait")
            pause = TROUBLED_SECONDS
        with suppress(TimeoutError):
            await asyncio.wait_for(happened.wait(), pause) if pause == IDLE_SECONDS else await asyncio.sleep(pause)


async def one(database: Database, sender: Sender) -> bool:
    """Deliver the next event of an endpoint that is due; False where there is none.

    It is sent outside of any transaction. Nobody else delivers to the endpoint meanwhile: it is due again only when the
    answer is there, or when whoever was to wait for it is lost.
    """
    async with database.write() as session:
        due = select(Endpoint).join(EventHead, EventHead.area == Endpoint.area)
        due = due.where(Endpoint.disabled.is_(None), Endpoint.due <= func.now(), Endpoint.cursor < EventHead.sequence)
        due = due.order_by(Endpoint.due).limit(1).with_for_update(of=Endpoint, skip_locked=True)
        endpoint = (await session.scalars(due)).one_or_none()
        if endpoint is None:
            return False
        event = await _next(session, endpoint)
        if event is None:
            return True
        endpoint.due = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=LOST_SECONDS)
    answer = await sender.send(endpoint.url, endpoint.secret, str(event.id), message(event, endpoint.area))
    async with database.write() as session:
        now = await session.get(Endpoint, endpoint.id, with_for_update=True)
        if now is not None:  # else it was deleted
            session.add(_delivery(now.id, event.sequence, endpoint.attempts + 1, answer))
            if (now.cursor, now.attempts) == (endpoint.cursor, endpoint.attempts):  # else a replay began elsewhere
                _settle(now, event.sequence, answer)
    return True


def _settle(endpoint: Endpoint, sequence: int, answer: Answer) -> None:
    """Go on to the next event, wait, or give up."""
    now = datetime.datetime.now(datetime.UTC)
    endpoint.attempts += 1
    if answer.taken:
        endpoint.cursor, endpoint.attempts, endpoint.due = sequence, 0, now
    elif answer.gone:
        endpoint.disabled = "the receiver answered 410"
    elif endpoint.attempts > len(SCHEDULE):
        endpoint.disabled = f"event {sequence} failed {endpoint.attempts} times"
    else:
        endpoint.due = now + datetime.timedelta(seconds=SCHEDULE[endpoint.attempts - 1])


async def _next(session: AsyncSession, endpoint: Endpoint) -> EventOut | None:
    """The next event that the endpoint is to have; those that it is not to have are passed over."""
    mine = select(EventRow).where(EventRow.area == endpoint.area, EventRow.sequence > endpoint.cursor)
    rows = list(await session.scalars(mine.order_by(EventRow.sequence).limit(PASSED_AT_ONCE)))
    for row in rows:
        if endpoint.types is None or row.type in endpoint.types:
            return out(row)
    if rows:
        endpoint.cursor = rows[-1].sequence
    else:  # what it is to have is forgotten
        newest = select(EventHead.sequence).where(EventHead.area == endpoint.area)
        endpoint.cursor = (await session.scalars(newest)).one()
    return None


async def test(sender: Sender, endpoint: Endpoint) -> Delivery:
    """Send a message that is no event; TooManyTests where others are under way."""
    if sender.testing >= MOST_TESTS:
        raise TooManyTests("This process sends as many test messages as it may; try again when they are answered.")
    body = {"type": "webhook.test", "timestamp": datetime.datetime.now(datetime.UTC).isoformat(), "data": {}}
    sender.testing += 1
    try:
        answer = await sender.send(endpoint.url, endpoint.secret, f"test-{endpoint.id}", json.dumps(body).encode())
    finally:
        sender.testing -= 1
    return _delivery(endpoint.id, 0, 1, answer)


def _delivery(endpoint: UUID, sequence: int, attempt: int, answer: Answer) -> Delivery:
    return Delivery(endpoint=endpoint, sequence=sequence, attempt=attempt, status=answer.status, error=answer.error)
