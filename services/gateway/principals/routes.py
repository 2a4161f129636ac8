from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from fastapi import Response
from sqlalchemy.ext.asyncio import AsyncSession

from services.gateway.auth import Admitted
from services.gateway.database import Read, Write
from services.gateway.once import SealedRoute
from services.gateway.principals import service
from services.gateway.principals.schemas import Grant, MeOut, PrincipalIn, PrincipalOut, RolesIn
from services.gateway.principals.tables import PrincipalRow
from shared import app
from shared.app import problems
from shared.paging import Page, Paging

router = app.router(route_class=SealedRoute, prefix="/v1", tags=["Access"])


@router.get("/me", operation_id="get_me", responses=problems())
async def me(who: Admitted) -> MeOut:
    """Whom the gateway takes you for, and your roles by area."""
    roles = [Grant(area=area, role=role) for area, held in sorted(who.grants.items()) for role in sorted(held)]
    return MeOut(id=UUID(who.id), name=who.name, on_behalf_of=who.on_behalf_of, roles=roles)


@router.get("/principals", operation_id="list_principals", responses=problems())
async def principals(asked: Paging, session: Read) -> Page[PrincipalOut]:
    """The persons and systems that may call, with their roles."""
    rows, cursor = await service.listed(session, asked)
    return Page[PrincipalOut](items=await _shown(session, rows), next_cursor=cursor)


@router.post("/principals", status_code=201, operation_id="create_principal", responses=problems(409))
async def create(body: PrincipalIn, session: Write, response: Response) -> PrincipalOut:
    """Create a principal with its roles."""
    row = await service.create(session, body)
    response.headers["Location"] = f"/v1/principals/{row.id}"
    return (await _shown(session, [row]))[0]


@router.get("/principals/{principal}", operation_id="get_principal", responses=problems())
async def principal(principal: UUID, session: Read) -> PrincipalOut:
    """One principal with its roles."""
    return (await _shown(session, [await service.one(session, principal)]))[0]


@router.put("/principals/{principal}/roles", operation_id="replace_roles", responses=problems())
async def replace_roles(principal: UUID, body: RolesIn, session: Write) -> PrincipalOut:
    """Give a principal exactly these roles. Other gateway processes follow within five seconds."""
    row = await service.replace_roles(session, principal, body.roles)
    return (await _shown(session, [row]))[0]


async def _shown(session: AsyncSession, rows: Sequence[PrincipalRow]) -> list[PrincipalOut]:
    roles: defaultdict[UUID, list[Grant]] = defaultdict(list)
    for grant in await service.grants(session, [row.id for row in rows]):
        roles[grant.principal_id].append(Grant(area=grant.area, role=grant.role))
    return [
        PrincipalOut(id=row.id, name=row.name, kind=row.kind, created_at=row.created_at, roles=roles[row.id])
        for row in rows
    ]
