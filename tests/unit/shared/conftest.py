import pytest
from sqlalchemy import create_engine

from shared import idempotency, jobs, outbox
from shared.db import Database
from tests.unit.shared.errands import Base


@pytest.fixture(scope="session")
def queue(server) -> str:
    """The URL of a database with errands, their queue and kept answers."""
    engine = create_engine(server.url("mlflow", "owner"))
    with engine.begin() as connection:
        Base.metadata.create_all(connection)
        jobs.install(connection)
        idempotency.install(connection)
        connection.exec_driver_sql(outbox.CREATE.replace("TABLE", "TABLE IF NOT EXISTS"))
    engine.dispose()
    return server.url("mlflow")


@pytest.fixture(scope="module")
def database(queue):
    database = Database(queue)
    yield database
    database.dispose()
