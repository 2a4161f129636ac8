"""Rules and queries of API keys."""

import datetime
import logging
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.gateway.access import Role, Roles
from services.gateway.keys.credential import Credential
from services.gateway.keys.schemas import ApiKeyIn
from services.gateway.keys.tables import ApiKey
from services.gateway.principals import service as principals
from services.gateway.principals.service import UnknownReference
from services.gateway.principals.tables import PrincipalRow
from shared import paging
from shared.errors import NotFound

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Holder:
    """A key that is not revoked, and whose it is. grants: roles by area, `*` for every area."""

    principal: str
    name: str
    grants: Mapping[str, Roles]
    secret_hash: bytes = field(repr=False)
    expires_at: datetime.datetime | None
    delegate: bool


async def holder(session: AsyncSession, key: str) -> Holder | None:
    """Who holds the key with this id; None where there is none or it is revoked."""
    statement = (
        select(ApiKey, PrincipalRow)
        .join(PrincipalRow, PrincipalRow.id == ApiKey.principal_id)
        .where(ApiKey.id == key, ApiKey.revoked_at.is_(None))
    )
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        return None
    stored, principal = row
    roles = await _roles(session, principal.id)
    return Holder(str(principal.id), principal.name, roles, stored.secret_hash, stored.expires_at, stored.delegate)


async def _roles(session: AsyncSession, principal: UUID) -> dict[str, Roles]:
    roles: defaultdict[str, set[Role]] = defaultdict(set)
    for grant in await principals.grants(session, [principal]):
        roles[grant.area].add(grant.role)
    return {area: frozenset(held) for area, held in roles.items()}


async def mark_used(session: AsyncSession, key: str) -> None:
    await session.execute(update(ApiKey).where(ApiKey.id == key).values(last_used_at=func.now()))


async def listed(session: AsyncSession, owner: UUID | None, asked: paging.Asked) -> tuple[list[ApiKey], str | None]:
    statement = select(ApiKey)
    if owner is not None:
        statement = statement.where(ApiKey.principal_id == owner)
    return await session.run_sync(lambda inner: paging.page(inner, statement, [ApiKey.id], asked))


async def create(session: AsyncSession, wish: ApiKeyIn, environment: str) -> tuple[ApiKey, Credential]:
    """A new key and, this once, its secret."""
    if await session.get(PrincipalRow, wish.principal) is None:
        errors = [{"pointer": "#/principal", "detail": "there is no such principal"}]
        raise UnknownReference("The key is for nobody.", errors=errors)
    drawn = Credential.draw(environment)
    row = ApiKey(
        id=drawn.id,
        principal_id=wish.principal,
        label=wish.label,
        secret_hash=drawn.hash(),
        delegate=wish.delegate,
        expires_at=datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=wish.expires_in_days),
    )
    session.add(row)
    await session.flush()
    await session.refresh(row)
    log.info("key %s was made for principal %s", row.id, wish.principal)
    return row, drawn


async def revoke(session: AsyncSession, key: str) -> None:
    """End a key, for good; revoking it again changes nothing."""
    statement = update(ApiKey).where(ApiKey.id == key)
    kept = func.coalesce(ApiKey.revoked_at, func.now())
    if await session.scalar(statement.values(revoked_at=kept).returning(ApiKey.id)) is None:
        raise NotFound("There is no such key.")
    log.info("key %s was revoked", key)


async def install(session: AsyncSession, owner: UUID, key: Credential) -> None:
    """Let a principal have this one of the keys that come with the installation, and no earlier one."""
    values = {"principal_id": owner, "secret_hash": key.hash(), "installed": True}
    statement = insert(ApiKey).values(id=key.id, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=["id"], set_={**values, "revoked_at": None}))
    earlier = (ApiKey.principal_id == owner, ApiKey.installed, ApiKey.id != key.id)
    await session.execute(update(ApiKey).where(*earlier, ApiKey.revoked_at.is_(None)).values(revoked_at=func.now()))
