"""Events as they are taken in, numbered and read."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.gateway.database import Database
from services.gateway.events.schemas import EventIn, EventOut, FeedOut
from services.gateway.events.tables import EventHead, EventRow

POLL_SECONDS = 0.5
KEEP_ALIVE_SECONDS = 10
LONGEST_SECONDS = 900  # then the client comes back, and is asked anew who it is
PIECE = 100
FORGET_SECONDS = 3600
log = logging.getLogger(__name__)


async def take(session: AsyncSession, area: str, events: list[EventIn]) -> None:
    """Number what is new; all of it or nothing."""
    await session.execute(insert(EventHead).values(area=area, sequence=0).on_conflict_do_nothing())
    head = (await session.scalars(select(EventHead).where(EventHead.area == area).with_for_update())).one()
    wanted = [event.id for event in events]
    known = set(await session.scalars(select(EventRow.id).where(EventRow.area == area, EventRow.id.in_(wanted))))
    rows = []
    for event in events:
        if event.id not in known:
            known.add(event.id)
            head.sequence += 1
            rows.append(event.model_dump() | {"area": area, "sequence": head.sequence})
    if rows:
        await session.execute(insert(EventRow), rows)


async def feed(session: AsyncSession, area: str, after: int, limit: int) -> FeedOut:
    """The events of an area after a sequence, in their order."""
    rows = select(EventRow).where(EventRow.area == area, EventRow.sequence > after)
    found = [out(row) for row in await session.scalars(rows.order_by(EventRow.sequence).limit(limit))]
    return FeedOut(items=found, next_after=found[-1].sequence if found else after)


async def last(session: AsyncSession, area: str) -> int:
    """The newest sequence of an area, 0 before the first."""
    return await session.scalar(select(EventHead.sequence).where(EventHead.area == area)) or 0


def out(row: EventRow) -> EventOut:
    return EventOut.model_validate(row)


async def stream(database: Database, area: str, after: int) -> AsyncIterator[bytes]:
    """Server-Sent Events from a sequence on, as they come; ends after a while."""
    loop = asyncio.get_running_loop()
    end, quiet = loop.time() + LONGEST_SECONDS, loop.time()
    yield b"retry: 1000\n\n"
    while loop.time() < end:
        async with database.read() as session:
            found = await feed(session, area, after, PIECE)
        for event in found.items:
            body = json.dumps(event.model_dump(mode="json"), separators=(",", ":"))
            yield f"id: {event.sequence}\nevent: {event.type}\ndata: {body}\n\n".encode()
        after = found.next_after
        if found.items:
            quiet = loop.time()
            continue
        if loop.time() - quiet >= KEEP_ALIVE_SECONDS:
            quiet = loop.time()
            yield b": still here\n\n"
        await asyncio.sleep(POLL_SECONDS)


async def keep(database: Database, days: float) -> None:
    """Forget old events each hour, until cancelled."""
    while True:
        try:
            async with database.write() as session:
                await forget(session, days)
        except Exception:
            log.exception("old events are still there")
        await asyncio.sleep(FORGET_SECONDS)


async def forget(session: AsyncSession, days: float) -> None:
    """Delete events older than so many days; sequences go on."""
    old = func.now() - func.make_interval(0, 0, 0, 0, 0, 0, days * 86_400)
    await session.execute(delete(EventRow).where(EventRow.at < old))
