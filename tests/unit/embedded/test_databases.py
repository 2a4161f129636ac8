"""The walls between databases, tried with the real roles on a real server."""

import itertools
import json

import psycopg
import pytest
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict

from services.embedded import postgres
from services.embedded.credentials import Credentials
from services.embedded.databases import Server
from services.embedded.names import DATABASES, ROLES

OTHERS = [(a, b) for a, b in itertools.product(DATABASES, DATABASES) if a != b]
DDL = (
    "CREATE TABLE mine (a int)",
    "ALTER TABLE ledger ADD COLUMN b int",
    "DROP TABLE ledger",
    "TRUNCATE ledger",
    "CREATE INDEX ON ledger (a)",
    "CREATE SCHEMA mine",
    "CREATE DATABASE mine",
    "CREATE ROLE mine",
    "CREATE FUNCTION mine() RETURNS int LANGUAGE sql RETURN 1",
    "CREATE TRIGGER mine AFTER INSERT ON ledger EXECUTE FUNCTION suppress_redundant_updates_trigger()",
)


def open_as(server: Server, role: str, database: str) -> psycopg.Connection:
    place = conninfo_to_dict(server.admin) | {
        "user": role,
        "password": server.credentials.password(role),
        "dbname": database,
    }
    return psycopg.connect(**place)


@pytest.fixture
def ledger(server):
    """A table made by the owner of `planner`, as a migration makes it."""
    with server.connect("planner", "owner") as owner:
        owner.execute("CREATE TABLE ledger (id int GENERATED ALWAYS AS IDENTITY, a int)")
        yield
        owner.execute("DROP TABLE ledger")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("service", "other"), OTHERS)
def test_a_role_cannot_open_another_services_database(server, service, other, role):
    with pytest.raises(psycopg.OperationalError, match=f'permission denied for database "{other}"'):
        open_as(server, f"{service}_{role}", other)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("service", DATABASES)
def test_a_role_opens_its_own_database_by_its_url(server, service, role):
    with server.connect(service, role) as connection:
        row = connection.execute("SELECT current_user, current_database()").fetchone()
    assert row == (f"{service}_{role}", service)


@pytest.mark.parametrize("statement", DDL)
@pytest.mark.usefixtures("ledger")
def test_the_app_role_has_no_ddl(server, statement):
    with server.connect("planner") as app, pytest.raises(errors.InsufficientPrivilege):
        app.execute(statement)


@pytest.mark.usefixtures("ledger")
def test_the_app_role_works_with_rows_of_tables_made_later(server):
    with server.connect("planner") as app:
        app.execute("INSERT INTO ledger (a) VALUES (1), (2)")
        app.execute("UPDATE ledger SET a = a + 1")
        app.execute("DELETE FROM ledger WHERE a = 2")
        assert app.execute("SELECT a FROM ledger").fetchall() == [(3,)]


@pytest.mark.usefixtures("ledger")
def test_a_migration_can_take_rights_away_from_the_app_role(server):
    with server.connect("planner", "owner") as owner:
        owner.execute("REVOKE UPDATE, DELETE ON ledger FROM planner_app")
    with server.connect("planner") as app:
        app.execute("INSERT INTO ledger (a) VALUES (1)")
        with pytest.raises(errors.InsufficientPrivilege):
            app.execute("UPDATE ledger SET a = 2")


def test_the_app_role_stages_rows_in_a_temporary_table(server):
    with server.connect("forecast") as app:
        app.execute("CREATE TEMPORARY TABLE staged (a int)")
        app.execute("INSERT INTO staged VALUES (1)")
        assert app.execute("SELECT a FROM staged").fetchall() == [(1,)]


def test_no_login_without_the_password(server):
    place = conninfo_to_dict(server.admin) | {"password": "guessed"}
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(**place)


def test_a_role_of_nobody_opens_nothing(server):
    with psycopg.connect(server.admin, autocommit=True) as admin:
        admin.execute("CREATE ROLE stranger LOGIN PASSWORD 'stranger'")
    for database in DATABASES:
        place = conninfo_to_dict(server.admin) | {"user": "stranger", "password": "stranger", "dbname": database}
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(**place)


@pytest.mark.usefixtures("ledger")
def test_creating_again_changes_no_row(server):
    with server.connect("planner") as app:
        app.execute("INSERT INTO ledger (a) VALUES (7)")
        server.create()
        assert app.execute("SELECT a FROM ledger").fetchall() == [(7,)]


def test_text_sorts_by_code_point(server):
    """Cursors compare text in Python and in the database: both must agree on every machine."""
    words = ["b", "B", "ä", "a-1", "a 1", "A", "Z"]
    with server.connect("forecast") as app:
        rows = app.execute("SELECT w FROM unnest(%s::text[]) AS w ORDER BY w", (words,)).fetchall()
    assert [word for (word,) in rows] == sorted(words)


@pytest.mark.parametrize("password", ["plain", "p@ss:w/ord?#[]%40 &=+", "ünï"])
def test_a_url_carries_any_password(tmp_path, password):
    file = tmp_path / "secrets"
    file.write_text(json.dumps({"password:forecast_app": password}))
    url = Server("postgresql://root:secret@db:6432/postgres?sslmode=require", Credentials(file)).url("forecast")
    assert url.startswith("postgresql+psycopg://forecast_app:")
    assert conninfo_to_dict(url.replace("+psycopg", "")) == {
        "user": "forecast_app",
        "password": password,
        "dbname": "forecast",
        "host": "db",
        "port": "6432",
        "sslmode": "require",
    }


def test_a_role_that_is_no_superuser_can_make_the_databases(tmp_path):
    with postgres.running(tmp_path, {"fsync": "off"}) as made:
        with psycopg.connect(made.admin, autocommit=True) as admin:
            for name in DATABASES:
                admin.execute(f"DROP DATABASE {name}")
                admin.execute(f"DROP ROLE {name}_app, {name}_owner")
            admin.execute("CREATE ROLE operator LOGIN CREATEDB CREATEROLE PASSWORD 'operator'")
        place = conninfo_to_dict(made.admin)
        url = f"postgresql://operator:operator@/postgres?host={place['host']}&port={place['port']}"
        server = Server(url, made.credentials)
        server.create()
        server.create()
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            open_as(server, "forecast_app", "planner")
        with server.connect("planner", "owner") as owner:
            owner.execute("CREATE TABLE t (a int)")
        with server.connect("planner") as app:
            app.execute("INSERT INTO t VALUES (1)")
