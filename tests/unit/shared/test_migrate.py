"""A service's database is brought to its newest revision once, and a newer release's schema is left alone."""

import pytest

from shared import migrate
from shared.db import Database

SERVICE = "planner"


@pytest.fixture
def database(server, monkeypatch):
    monkeypatch.setenv("ACCORD_OWNER_DATABASE_URL", server.url(SERVICE, "owner"))
    database = Database(server.url(SERVICE))
    yield database
    database.dispose()


def is_current(database):
    with database.read() as session:
        return migrate.is_current(session, SERVICE)


def revision(server, change=None):
    with server.connect(SERVICE, "owner") as connection:
        if change:
            connection.execute("UPDATE alembic_version SET version_num = %s", [change])
        return connection.execute("SELECT version_num FROM alembic_version").fetchone()[0]


def test_migrating_again_changes_nothing(server, database):
    migrate.run(SERVICE)
    newest = revision(server)
    migrate.run(SERVICE)
    assert (is_current(database), revision(server)) == (True, newest)


def test_older_code_works_on_a_newer_schema(server, database):
    migrate.run(SERVICE)
    newest = revision(server)
    try:
        revision(server, "9999")
        assert is_current(database)
        migrate.run(SERVICE)
        assert revision(server) == "9999"
    finally:
        revision(server, newest)
