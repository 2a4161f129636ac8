"""One look for all who follow events: a client that waits costs neither a query nor a database session."""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from services.gateway.database import Database
from services.gateway.events.tables import EventHead
from shared.errors import Unavailable

PAUSE_SECONDS = 0.5
MOST = 2000  # clients of one process
log = logging.getLogger(__name__)


class TooManyFollowers(Unavailable):
    slug, title = "too-many-followers", "Too many clients follow events"


class Following:
    """The areas that clients of this process follow, and how far each was at the last look."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._clients = Counter[str]()
        self._heads: dict[str, int] = {}
        self._news = asyncio.Event()
        self.ended = False

    def end(self) -> None:
        """Let nobody follow any longer: the process is about to end."""
        self.ended = True
        self._wake()

    def check(self) -> None:
        """TooManyFollowers where there is no place for another client."""
        if self._clients.total() >= MOST:
            raise TooManyFollowers("As many clients follow events as this process serves; try again, or pull them.")

    @contextmanager
    def client(self, area: str) -> Iterator[None]:
        """Look at an area as long as the block lasts."""
        self._clients[area] += 1
        try:
            yield
        finally:
            self._clients -= Counter([area])  # and forget who has none left

    async def news(self, area: str, after: int, seconds: float) -> bool:
        """Whether there may be events after a sequence: once there are, or the process ends; False after `seconds`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._heads.get(area, 0) <= after and not self.ended:
                    await self._news.wait()
                return True
        return False

    async def look(self) -> None:
        """Look again and again, while anybody follows, until cancelled."""
        while True:
            await asyncio.sleep(PAUSE_SECONDS)
            if self._clients:
                try:
                    await self._look()
                except SQLAlchemyError as error:
                    log.warning("could not look at the events that are waited for: %s", type(error).__name__)

    async def _look(self) -> None:
        async with self._database.read() as session:
            wanted = select(EventHead.area, EventHead.sequence).where(EventHead.area.in_(list(self._clients)))
            heads = dict((await session.execute(wanted)).all())
        if heads != self._heads:
            self._heads = heads
            self._wake()

    def _wake(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()
