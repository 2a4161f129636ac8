"""One look for all: whoever waits for a run holds neither a thread nor a database session.

While anybody waits, one task of the process asks once every `PAUSE_SECONDS` which of the runs have changed, with one
query per table, reads those that have, once for all who wait for them, and wakes these.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from anyio import CapacityLimiter, to_thread
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from shared.db import Database
from shared.errors import Unavailable
from shared.jobs import OVER, Run

PAUSE_SECONDS = 0.2
MOST_WAITING = 1000
log = logging.getLogger(__name__)

type Mark = tuple[int, str]  # a run's sequence and status


class TooManyWaiting(Unavailable):
    slug, title = "too-many-waiting", "Too many callers wait already"


@dataclass(frozen=True)
class State:
    """A run as it was read: `body` is the JSON that GET shows."""

    sequence: int
    status: str
    body: bytes

    @property
    def over(self) -> bool:
        return self.status in OVER

    @property
    def mark(self) -> Mark:
        return self.sequence, self.status

    def tells(self, seen: int) -> bool:
        """Whether it tells anything to somebody who has seen the run at sequence `seen` and under way."""
        return self.over or self.sequence > seen


@dataclass(frozen=True)
class Kind[R: Run]:
    """A table of runs, and how one of its rows is shown."""

    table: type[R]
    show: Callable[[Session, R], BaseModel]

    def state(self, session: Session, run: R) -> State:
        return State(run.sequence, run.status, self.show(session, run).model_dump_json(by_alias=True).encode())

    def changed(self, session: Session, known: Mapping[UUID, Mark | None]) -> Iterator[tuple[UUID, State]]:
        """The runs among `known` that are no longer as they were when they were read last."""
        row = self.table
        for run, *mark in session.execute(select(row.id, row.sequence, row.status).where(row.id.in_(known))):
            if known[run] != tuple(mark):
                yield run, self.state(session, session.get_one(row, run))


type Place = tuple[Kind[Any], UUID]


class Followed:
    """A run that somebody waits for, as the last look found it."""

    def __init__(self) -> None:
        self.state: State | None = None
        self.followers = 0
        self._ended = False
        self._news = asyncio.Event()

    async def until(self, holds: Callable[[State], bool], seconds: float) -> State | None:
        """The state once it `holds`; None where it did not within `seconds`, or the process is stopping."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self._ended:
                    if self.state is not None and holds(self.state):
                        return self.state
                    await self._news.wait()
        return None

    @property
    def ended(self) -> bool:
        """Whether nothing more will come, because the process is stopping."""
        return self._ended

    def found(self, state: State) -> None:
        self.state = state
        self._wake()

    def end(self) -> None:
        self._ended = True
        self._wake()

    def _wake(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()


class Watcher:
    """The runs that callers of this process wait for. `most` of them may wait at a time."""

    def __init__(self, database: Database, *, most: int = MOST_WAITING) -> None:
        self._database = database
        self._places = most
        self._followed: dict[Place, Followed] = {}
        self._looking: asyncio.Task[None] | None = None
        self._stopped = False

    @contextmanager
    def place(self) -> Iterator[None]:
        """One of the places to wait; TooManyWaiting where all are taken."""
        if self._places == 0:
            raise TooManyWaiting("As many callers wait as this process takes; ask again without waiting.")
        self._places -= 1
        try:
            yield
        finally:
            self._places += 1

    @contextmanager
    def follow(self, kind: Kind[Any], run: UUID) -> Iterator[Followed]:
        """Look at a run as long as the block lasts."""
        followed = self._followed.setdefault((kind, run), Followed())
        followed.followers += 1
        if self._stopped:
            followed.end()
        elif self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_on())
        try:
            yield followed
        finally:
            followed.followers -= 1
            if followed.followers == 0:
                del self._followed[kind, run]

    def stop(self) -> None:
        """Let nobody wait any longer: the process is about to end."""
        self._stopped = True
        for followed in self._followed.values():
            followed.end()

    async def _look_on(self) -> None:
        own = CapacityLimiter(1)  # never behind the handlers that occupy all other threads
        while self._followed and not self._stopped:
            try:
                await self._look(own)
            except SQLAlchemyError as error:
                log.warning("could not look at the runs that are waited for: %s", type(error).__name__)
            except Exception:
                log.exception("could not look at the runs that are waited for")
            await asyncio.sleep(PAUSE_SECONDS)

    async def _look(self, thread: CapacityLimiter) -> None:
        known: dict[Kind[Any], dict[UUID, Mark | None]] = {}
        for (kind, run), followed in self._followed.items():
            known.setdefault(kind, {})[run] = followed.state.mark if followed.state else None
        changes = await to_thread.run_sync(self._changed, known, limiter=thread)
        for place, state in changes.items():
            if place in self._followed:
                self._followed[place].found(state)

    def _changed(self, known: Mapping[Kind[Any], Mapping[UUID, Mark | None]]) -> dict[Place, State]:
        with self._database.read() as session:
            return {(kind, run): state for kind, runs in known.items() for run, state in kind.changed(session, runs)}
