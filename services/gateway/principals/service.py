"""Rules and queries of principals and their roles."""

import logging
from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.gateway.access import EVERYWHERE, Role
from services.gateway.areas.tables import AreaRow
from services.gateway.principals.schemas import Grant, PrincipalIn
from services.gateway.principals.tables import PrincipalRow, RoleGrant
from shared import paging
from shared.errors import Conflict, NotFound, Unprocessable

log = logging.getLogger(__name__)


class PrincipalExists(Conflict):
    slug, title = "principal-exists", "The name is taken"


class UnknownReference(Unprocessable):
    slug, title = "unknown-reference", "Names what does not exist"


async def listed(session: AsyncSession, asked: paging.Asked) -> tuple[list[PrincipalRow], str | None]:
    return await session.run_sync(lambda inner: paging.page(inner, select(PrincipalRow), [PrincipalRow.id], asked))


async def one(session: AsyncSession, principal_id: UUID) -> PrincipalRow:
    row = await session.get(PrincipalRow, principal_id)
    if row is None:
        raise NotFound("There is no such principal.")
    return row


async def create(session: AsyncSession, wish: PrincipalIn) -> PrincipalRow:
    """A new principal with its roles; 409 where the name is taken, 422 for a role in an area that does not exist."""
    statement = insert(PrincipalRow).values(name=wish.name, kind=wish.kind).on_conflict_do_nothing()
    row: PrincipalRow | None = await session.scalar(statement.returning(PrincipalRow))
    if row is None:
        raise PrincipalExists("There is a principal with this name.")
    await grant(session, row.id, wish.roles)
    return row


async def replace_roles(session: AsyncSession, principal_id: UUID, wish: Sequence[Grant]) -> PrincipalRow:
    """Let a principal have exactly these roles."""
    row = await session.get(PrincipalRow, principal_id, with_for_update=True)
    if row is None:
        raise NotFound("There is no such principal.")
    await session.execute(delete(RoleGrant).where(RoleGrant.principal_id == principal_id))
    await grant(session, principal_id, wish)
    log.info("principal %s now has %d roles", principal_id, len(wish))
    return row


async def grant(session: AsyncSession, principal_id: UUID, wish: Sequence[Grant]) -> None:
    """Add roles; one that is there already stays."""
    await _check_areas(session, wish)
    rows = [{"principal_id": principal_id, "area": each.area, "role": each.role} for each in wish]
    if rows:
        await session.execute(insert(RoleGrant).values(rows).on_conflict_do_nothing())


async def _check_areas(session: AsyncSession, wish: Iterable[Grant]) -> None:
    areas = {each.area for each in wish} - {EVERYWHERE}
    known = set(await session.scalars(select(AreaRow.area).where(AreaRow.area.in_(sorted(areas)))))
    if areas - known:
        errors = [
            {"pointer": f"#/roles/{index}/area", "detail": "there is no such area"}
            for index, each in enumerate(wish)
            if each.area in areas - known
        ]
        raise UnknownReference("Roles are given in areas that exist, or in `*`.", errors=errors)


async def grants(session: AsyncSession, principals: Sequence[UUID]) -> list[RoleGrant]:
    statement = select(RoleGrant).where(RoleGrant.principal_id.in_(principals))
    return list(await session.scalars(statement.order_by(RoleGrant.area, RoleGrant.role)))


async def install(session: AsyncSession, name: str, role: Role) -> UUID:
    """A principal that comes with the installation, and what it is everywhere."""
    await session.execute(insert(PrincipalRow).values(name=name, kind="system").on_conflict_do_nothing())
    row = (await session.scalars(select(PrincipalRow).where(PrincipalRow.name == name))).one()
    await grant(session, row.id, [Grant(area=EVERYWHERE, role=role)])
    return row.id
