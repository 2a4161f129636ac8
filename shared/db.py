"""PostgreSQL through SQLAlchemy. One request or one job step is one transaction, and only this file commits.

The commit happens before the response is sent: the session dependency has function scope, so that a client that holds
a 2xx holds a durable effect.
"""

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from threading import BoundedSemaphore
from typing import Annotated, Any

from fastapi import Depends, Request
from sqlalchemy import ARRAY, Date, DateTime, Double, MetaData, Numeric, Text, create_engine
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session, sessionmaker

from shared import idempotency
from shared.principal import Caller

CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
COLUMN_TYPES: dict[Any, Any] = {
    str: Text(),
    datetime.datetime: DateTime(timezone=True),
    Decimal: Numeric(),
    dict[str, Any]: JSONB(),
    list[dict[str, Any]]: JSONB(),
    list[datetime.date]: ARRAY(Date()),
    list[float]: ARRAY(Double()),
}
STATEMENT_TIMEOUT_MS = 30_000
# Calls at a time that may block a thread on a connection or a lock. FastAPI writes an answer in a thread, too, before
# the session commits: of the 40 threads some must stay free, or the one whom all wait for waits for a thread.
WRITERS, READERS = 16, 20


def metadata() -> MetaData:
    return MetaData(naming_convention=CONVENTION)


class Database:
    """One service's database: an engine, made when the application is built and disposed when it ends."""

    def __init__(self, url: str, *, pool_size: int = 10, statement_timeout_ms: int = STATEMENT_TIMEOUT_MS) -> None:
        options = f"-c timezone=UTC -c statement_timeout={statement_timeout_ms} -c lock_timeout=10000"
        self.engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_timeout=10,
            pool_pre_ping=True,
            connect_args={"options": options, "connect_timeout": 5},
        )
        self.exports = BoundedSemaphore(pool_size)  # as many slow readers may each hold a connection: half of all
        self._write = sessionmaker(self.engine, expire_on_commit=False)
        reading = self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._read = sessionmaker(reading, expire_on_commit=False)

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that commits when the block ends without an exception."""
        with self._write.begin() as session:
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A read-only transaction with one consistent view."""
        with self._read.begin() as session:
            yield session

    def dispose(self) -> None:
        self.engine.dispose()


def _writing(request: Request, who: Caller) -> Iterator[Session]:
    database: Database = request.app.state.database
    with database.write() as session:
        idempotency.begin(request, session, who)
        yield session


def _reading(request: Request) -> Iterator[Session]:
    database: Database = request.app.state.database
    with database.read() as session:
        yield session


Write = Annotated[Session, Depends(_writing, scope="function", max_concurrency=WRITERS)]
Read = Annotated[Session, Depends(_reading, scope="function", max_concurrency=READERS)]


def psycopg_connection(session: Session) -> Any:
    """The psycopg connection under a session, inside its transaction."""
    return session.connection().connection.driver_connection
