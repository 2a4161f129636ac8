"""Rules and queries of planning areas."""

import logging
from collections.abc import Collection

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.gateway.access import EVERYWHERE
from services.gateway.areas.schemas import AreaIn, AreaPatch
from services.gateway.areas.tables import AreaRow
from shared import etag, paging
from shared.errors import Conflict, NotFound

log = logging.getLogger(__name__)


class AreaExists(Conflict):
    slug, title = "area-exists", "The area exists already"


async def find(session: AsyncSession, area: str) -> AreaRow | None:
    return await session.get(AreaRow, area)


async def listed(
    session: AsyncSession, known_to: Collection[str], asked: paging.Asked
) -> tuple[list[AreaRow], str | None]:
    """One page of the areas in `known_to`; of all where it holds `*`."""
    statement = select(AreaRow)
    if EVERYWHERE not in known_to:
        statement = statement.where(AreaRow.area.in_(sorted(known_to)))
    return await session.run_sync(lambda inner: paging.page(inner, statement, [AreaRow.area], asked))


async def create(session: AsyncSession, wish: AreaIn) -> AreaRow:
    """A new area; 409 where the name is taken. There is no way to remove one."""
    statement = insert(AreaRow).values(wish.values()).on_conflict_do_nothing().returning(AreaRow)
    row: AreaRow | None = await session.scalar(statement)
    if row is None:
        raise AreaExists("There is an area with this name; PATCH changes what may change.")
    log.info("area %s was created", wish.area)
    return row


async def change(session: AsyncSession, area: str, version: int, wish: AreaPatch) -> AreaRow:
    """The area with `wish` applied; 412 where it is no longer at `version`."""
    row = await session.get(AreaRow, area, with_for_update=True)
    if row is None:
        raise NotFound("There is no such area.")
    etag.check(row.version, version)
    changes = wish.changes()
    if any(getattr(row, name) != value for name, value in changes.items()):
        for name, value in changes.items():
            setattr(row, name, value)
        row.version += 1
        row.updated_at = func.now()
        await session.flush()
        await session.refresh(row)
        log.info("area %s is at version %s", area, row.version)
    return row
