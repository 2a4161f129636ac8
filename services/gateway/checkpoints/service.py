"""Checkpoints of the ledgers: where the services' chains stand, signed where neither of them can.

Whoever owns a service's database can make its chain anew, but no signature of what it was. Given out, logged and kept
here, a checkpoint shows what was cut off or changed since.
"""

import asyncio
import datetime
import logging
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.gateway.areas.tables import AreaRow
from services.gateway.checkpoints import signing
from services.gateway.checkpoints.schemas import CheckpointOut
from services.gateway.checkpoints.tables import Checkpoint, SigningKey
from services.gateway.database import Database
from services.gateway.events import service as events
from services.gateway.events.schemas import EventIn
from services.gateway.upstream import Upstream
from shared.errors import Problem
from shared.ids import uuid7
from shared.principal import Principal

MOST_KEYS = 100
log = logging.getLogger(__name__)


async def install(database: Database) -> None:
    """Draw the installation's key where there is none."""
    async with database.write() as session:
        if await session.scalar(select(SigningKey.key).limit(1)) is None:
            key, private = signing.draw()
            session.add(SigningKey(key=key, private=private))


async def take(database: Database, upstreams: Mapping[str, Upstream], who: Principal) -> CheckpointOut:
    """Ask all services where their chains stand, sign that, and keep it."""
    area = who.area.area
    path = f"/v1/areas/{area}/decisions/head"
    answers = await asyncio.gather(*(upstream.ask(who, "GET", path) for upstream in upstreams.values()))
    async with database.write() as session:
        newest = select(SigningKey).order_by(SigningKey.created_at.desc(), SigningKey.key).limit(1)
        key = (await session.scalars(newest)).one()
        at = datetime.datetime.now(datetime.UTC)
        facts = {"area": area, "at": at.isoformat(), "chains": answers, "key": key.key}
        token = signing.sign(key.private, facts)
        await session.execute(insert(Checkpoint).values(area=area, at=at, token=token).on_conflict_do_nothing())
        told = {"token": token, "chains": answers}
        event = EventIn(id=uuid7(), type="ledger.checkpoint", source="gateway", subject=key.key, at=at, data=told)
        await events.take(session, area, [event])
    log.info("checkpoint %s", token)
    public = signing.encoded(signing.public(key.private).public_bytes_raw())
    return CheckpointOut.model_validate(facts | {"at": at, "public_key": public, "token": token})


async def known(session: AsyncSession, area: str, token: str | None) -> dict[str, str]:
    """What a checkpoint, by default the newest, says of each service's chain: `SEQUENCE:HASH`; BadCheckpoint."""
    if token is None:
        newest = select(Checkpoint.token).where(Checkpoint.area == area).order_by(Checkpoint.at.desc()).limit(1)
        token = await session.scalar(newest)
        if token is None:
            return {}
    rows = await session.execute(select(SigningKey.key, SigningKey.private).limit(MOST_KEYS))
    facts = signing.opened(token, dict(rows.all()))
    if facts["area"] != area:
        raise signing.BadCheckpoint("It is one of another area.")
    return {chain["service"]: f"{chain['sequence']}:{chain['hash']}" for chain in facts["chains"]}


async def verified(
    upstreams: Mapping[str, Upstream], who: Principal, noted: Mapping[str, str]
) -> dict[str, list[dict[str, Any]]]:
    """What all services find of their chains, held against what was `noted` of each."""
    path = f"/v1/areas/{who.area.area}/decisions:verify"
    calls = [
        upstream.ask(who, "POST", path, f"known={noted[name]}" if name in noted else "")
        for name, upstream in upstreams.items()
    ]
    answers = await asyncio.gather(*calls)
    return {"chains": [chain for answer in answers for chain in answer["chains"]]}


async def take_all(database: Database, upstreams: Mapping[str, Upstream]) -> None:
    """Take a checkpoint of every area."""
    async with database.read() as session:
        areas = [row.profile() for row in await session.scalars(select(AreaRow))]
    for area in areas:
        try:
            await take(database, upstreams, Principal("gateway", "gateway", frozenset({"auditor"}), area))
        except Problem as problem:
            log.warning("no checkpoint of %s: %s", area.area, problem.detail)
