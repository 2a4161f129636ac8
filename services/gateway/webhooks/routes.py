"""Webhooks over HTTP."""

from typing import Any
from uuid import UUID

from fastapi import BackgroundTasks, Request

from services.gateway.database import Read, Write
from services.gateway.once import SealedRoute
from services.gateway.webhooks import delivery, service
from services.gateway.webhooks.schemas import DeliveryOut, EndpointIn, EndpointOut, NewEndpointOut, ReplayIn
from services.gateway.webhooks.tables import Delivery, Endpoint
from shared import app, paging
from shared.app import problems
from shared.paging import Page, Paging
from shared.schemas import Key

router = app.router(route_class=SealedRoute, prefix="/v1/areas/{area}/webhook-endpoints", tags=["Events"])


@router.get("", operation_id="list_webhook_endpoints", responses=problems())
async def endpoints(area: Key, session: Read, asked: Paging) -> Page[EndpointOut]:
    """List where events are delivered, and how far each is."""
    rows, cursor = await _page(session, service.of(area), Endpoint.id, asked)
    return Page[EndpointOut](items=[EndpointOut.model_validate(row) for row in rows], next_cursor=cursor)


@router.post("", status_code=201, operation_id="create_webhook_endpoint", responses=problems(400, 409, 415))
async def create(area: Key, body: EndpointIn, session: Write) -> NewEndpointOut:
    """Have events delivered to a URL. The answer is the only place that ever shows the secret."""
    row = await service.create(session, area, body)
    return NewEndpointOut(**EndpointOut.model_validate(row).model_dump(), secret=service.shown(row.secret))


@router.delete("/{endpoint}", status_code=204, operation_id="delete_webhook_endpoint", responses=problems())
async def delete(area: Key, endpoint: UUID, session: Write) -> None:
    """Deliver no more."""
    await service.delete(session, area, endpoint)


@router.get("/{endpoint}/deliveries", operation_id="list_deliveries", responses=problems())
async def deliveries(area: Key, endpoint: UUID, session: Read, asked: Paging) -> Page[DeliveryOut]:
    """List attempts, the newest first."""
    row = await service.one(session, area, endpoint)
    rows, cursor = await _page(session, service.deliveries(row), Delivery.number, asked, descending=True)
    return Page[DeliveryOut](items=[DeliveryOut.model_validate(one) for one in rows], next_cursor=cursor)


@router.post("/{endpoint}/tests", status_code=201, operation_id="test_webhook_endpoint", responses=problems(503))
async def test(area: Key, endpoint: UUID, session: Write, request: Request) -> DeliveryOut:
    """Send a message of type `webhook.test` now, and show what came of it."""
    row = await service.one(session, area, endpoint)
    sent = await delivery.test(request.app.state.sender, row)
    session.add(sent)
    await session.flush()
    await session.refresh(sent)
    return DeliveryOut.model_validate(sent)


@router.post("/{endpoint}/replays", operation_id="replay_webhook_endpoint", responses=problems(400, 415))
async def replay(
    area: Key, endpoint: UUID, body: ReplayIn, session: Write, request: Request, after: BackgroundTasks
) -> EndpointOut:
    """Deliver again from an event on, or go on with an endpoint that was disabled."""
    row = await service.replay(session, area, endpoint, body)
    after.add_task(request.app.state.happened.set)
    return EndpointOut.model_validate(row)


async def _page(session: Any, rows: Any, key: Any, asked: Any, *, descending: bool = False) -> Any:
    return await session.run_sync(lambda inner: paging.page(inner, rows, [key], asked, descending=descending))
