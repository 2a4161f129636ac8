from typing import Any
from uuid import UUID

from fastapi import Request, Response

from services.gateway.database import Read, Write
from services.gateway.keys import service
from services.gateway.keys.schemas import ApiKeyIn, ApiKeyOut, NewApiKeyOut
from services.gateway.keys.tables import ApiKey
from services.gateway.once import SealedRoute
from shared import app
from shared.app import problems
from shared.paging import Page, Paging

router = app.router(route_class=SealedRoute, prefix="/v1/api-keys", tags=["Access"])


@router.get("", operation_id="list_api_keys", responses=problems())
async def keys(asked: Paging, session: Read, principal: UUID | None = None) -> Page[ApiKeyOut]:
    """Keys, revoked and expired ones included; of one principal where it is named."""
    rows, cursor = await service.listed(session, principal, asked)
    return Page[ApiKeyOut](items=[ApiKeyOut(**_fields(row)) for row in rows], next_cursor=cursor)


@router.post("", status_code=201, operation_id="create_api_key", responses=problems())
async def create(body: ApiKeyIn, session: Write, request: Request, response: Response) -> NewApiKeyOut:
    """Make a key for a principal. The answer is the only place that ever shows it."""
    row, drawn = await service.create(session, body, request.app.state.settings.environment)
    response.headers["Cache-Control"] = "no-store"
    return NewApiKeyOut(**_fields(row), key=drawn.text)


@router.delete("/{key}", status_code=204, operation_id="revoke_api_key", responses=problems())
async def revoke(key: str, session: Write) -> None:
    """Revoke a key. Other gateway processes refuse it within five seconds.

    A key that the gateway's environment names comes back when the gateway starts anew: change it there.
    """
    await service.revoke(session, key)


def _fields(row: ApiKey) -> dict[str, Any]:
    names = ("id", "label", "delegate", "created_at", "expires_at", "revoked_at", "last_used_at")
    return {name: getattr(row, name) for name in names} | {"principal": row.principal_id}
