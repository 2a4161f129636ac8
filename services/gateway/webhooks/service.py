"""Endpoints of webhooks and what was delivered to them."""

import base64
import secrets
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.gateway.events import service as events
from services.gateway.webhooks.schemas import EndpointIn, ReplayIn
from services.gateway.webhooks.tables import Delivery, Endpoint
from shared.errors import Conflict, NotFound
from shared.ids import uuid7

MOST = 20  # of an area
SECRET_BYTES = 32


class TooManyEndpoints(Conflict):
    slug, title = "too-many-endpoints", "An area has as many endpoints as it may"


async def create(session: AsyncSession, area: str, wish: EndpointIn) -> Endpoint:
    """Add an endpoint with a secret of its own."""
    there = await session.scalar(select(func.count()).select_from(of(area).subquery())) or 0
    if there >= MOST:
        raise TooManyEndpoints(f"An area has at most {MOST}: delete one that is not needed any more.")
    newest = await events.last(session, area)
    row = Endpoint(
        id=uuid7(),
        area=area,
        url=wish.url,
        types=wish.types,
        secret=secrets.token_bytes(SECRET_BYTES),
        cursor=newest if wish.after is None else min(wish.after, newest),
    )
    session.add(row)
    await session.flush()
    await session.refresh(row)
    return row


def of(area: str) -> Select[Endpoint]:
    return select(Endpoint).where(Endpoint.area == area)


def deliveries(endpoint: Endpoint) -> Select[Delivery]:
    return select(Delivery).where(Delivery.endpoint == endpoint.id)


async def one(session: AsyncSession, area: str, identifier: UUID, *, lock: bool = False) -> Endpoint:
    wanted = of(area).where(Endpoint.id == identifier)
    row = (await session.scalars(wanted.with_for_update() if lock else wanted)).one_or_none()
    if row is None:
        raise NotFound("There is no such endpoint in this area.")
    return row


async def replay(session: AsyncSession, area: str, identifier: UUID, wish: ReplayIn) -> Endpoint:
    """Deliver again from a sequence on, at once; what was disabled is enabled."""
    row = await one(session, area, identifier, lock=True)
    if wish.after is not None:
        row.cursor = min(wish.after, await events.last(session, area))
    row.attempts, row.disabled = 0, None
    row.due = func.now()
    await session.flush()
    await session.refresh(row)
    return row


async def delete(session: AsyncSession, area: str, identifier: UUID) -> None:
    await session.delete(await one(session, area, identifier, lock=True))


def shown(secret: bytes) -> str:
    return f"whsec_{base64.b64encode(secret).decode()}"
