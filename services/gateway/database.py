"""The gateway's own PostgreSQL, asynchronously: the process that forwards every call must wait for none of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from shared.db import STATEMENT_TIMEOUT_MS, metadata


class Base(DeclarativeBase):
    metadata = metadata()


class Database:
    """An engine, made when the application is built and disposed when it ends."""

    def __init__(self, url: str, *, pool_size: int) -> None:
        options = f"-c timezone=UTC -c statement_timeout={STATEMENT_TIMEOUT_MS} -c lock_timeout=10000"
        self.engine = create_async_engine(
            url,
            pool_size=pool_size,
            pool_timeout=5,
            pool_pre_ping=True,
            connect_args={"options": options, "connect_timeout": 5},
        )
        self._write = async_sessionmaker(self.engine, expire_on_commit=False)
        readonly = self.engine.execution_options(postgresql_readonly=True)
        self._read = async_sessionmaker(readonly, expire_on_commit=False)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """A transaction that commits when the block ends without an exception."""
        async with self._write.begin() as session:
            yield session

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """A read-only transaction."""
        async with self._read.begin() as session:
            yield session

    async def dispose(self) -> None:
        await self.engine.dispose()


async def _writing(request: Request) -> AsyncIterator[AsyncSession]:
    """Commits before the response is sent; what this process remembers of keys and areas ends with the old state."""
    async with request.app.state.database.write() as session:
        attempt = getattr(request.state, "attempt", None)
        if attempt is not None:
            await attempt.begin_sealed(request, session)
        yield session
    request.app.state.directory.forget()


async def _reading(request: Request) -> AsyncIterator[AsyncSession]:
    async with request.app.state.database.read() as session:
        yield session


Write = Annotated[AsyncSession, Depends(_writing, scope="function")]
Read = Annotated[AsyncSession, Depends(_reading, scope="function")]
