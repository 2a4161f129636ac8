"""What the gateway knows of keys and areas without asking the database for every call."""

import time

from services.gateway.areas import service as areas
from services.gateway.database import Database
from services.gateway.freshness import Fresh
from services.gateway.keys import service as keys
from services.gateway.keys.service import Holder
from shared.principal import Area

USE_SECONDS = 3600


class Directory:
    """Keys and areas, at most `seconds` old: that long may a revoked key work on in another gateway process."""

    def __init__(self, database: Database, seconds: float) -> None:
        self._database = database
        self._holders = Fresh(self._read_holder, seconds)
        self._areas = Fresh(self._read_area, seconds)
        self._used: dict[str, float] = {}

    async def holder(self, key: str) -> Holder | None:
        """Who holds the key with this id, unless it is revoked or there is none."""
        return await self._holders.get(key)

    async def area(self, area: str) -> Area | None:
        return await self._areas.get(area)

    async def used(self, key: str) -> None:
        """Note that a key was used, once an hour at most."""
        now = time.monotonic()
        if now - self._used.get(key, -USE_SECONDS) < USE_SECONDS:
            return
        self._used[key] = now
        async with self._database.write() as session:
            await keys.mark_used(session, key)

    def forget(self) -> None:
        """Ask the database anew: something was changed through this process."""
        self._holders.forget()
        self._areas.forget()

    async def _read_holder(self, key: str) -> Holder | None:
        async with self._database.read() as session:
            return await keys.holder(session, key)

    async def _read_area(self, area: str) -> Area | None:
        async with self._database.read() as session:
            row = await areas.find(session, area)
            return row.profile() if row else None
