"""Events as they are taken in, numbered and read."""

import asyncio
import json
from collections.abc import AsyncIterator

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.gateway.database import Database
from services.gateway.events.following import Following
from services.gateway.events.schemas import EventIn, EventOut, FeedOut
from services.gateway.events.tables import EventHead, EventRow

KEEP_ALIVE_SECONDS = 10
LONGEST_SECONDS = 900  # then the client comes back, and is asked anew who it is
PIECE = 100


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


async def stream(database: Database, following: Following, area: str, after: int) -> AsyncIterator[bytes]:
    """Server-Sent Events from a sequence on, as they come; ends after a while."""
    loop = asyncio.get_running_loop()
    end = loop.time() + LONGEST_SECONDS
    yield b"retry: 1000\n\n"
    with following.client(area):
        while loop.time() < end and not following.ended:
            async with database.read() as session:
                found = await feed(session, area, after, PIECE)
            for event in found.items:
                body = json.dumps(event.model_dump(mode="json"), separators=(",", ":"))
                yield f"id: {event.sequence}\nevent: {event.type}\ndata: {body}\n\n".encode()
            after = found.next_after
            if len(found.items) < PIECE and not await following.news(area, after, KEEP_ALIVE_SECONDS):
                yield b": still here\n\n"
