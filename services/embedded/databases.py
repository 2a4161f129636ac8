"""One database per service, and two roles for each: `x_owner` changes tables, `x_app` works with rows.

A role reaches its own database only: CONNECT is taken from PUBLIC. `x_app` has no DDL; it may make temporary
tables, which stage bulk loads and which no other session sees. Migrations take more from it on ledger tables.
"""

from dataclasses import dataclass
from typing import Literal, LiteralString, Protocol
from urllib.parse import quote, urlencode

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from services.embedded.errors import EmbeddedError
from services.embedded.names import DATABASES, ROLES

OLDEST_SERVER = 17_00_00  # the built-in C.UTF-8 locale: text sorts the same on every machine

type Role = Literal["owner", "app"]


class Passwords(Protocol):
    """Who knows the password of each role."""

    def password(self, role: str) -> str: ...


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server that holds the databases, or will.

    admin: libpq URL of a role that may create roles and databases; its host and options serve all others.
    """

    admin: str
    credentials: Passwords

    def url(self, database: str, role: Role = "app") -> str:
        """SQLAlchemy URL of a service's database, opened as one of its two roles."""
        place = conninfo_to_dict(self.admin)
        user = f"{database}_{role}"
        kept = {name: str(value) for name, value in place.items() if name not in {"user", "password", "dbname"}}
        login = f"{user}:{quote(self.credentials.password(user), safe='')}"
        return f"postgresql+psycopg://{login}@/{database}?{urlencode(kept)}"

    def connect(self, database: str, role: Role = "app") -> psycopg.Connection:
        """A psycopg connection in autocommit mode to what `url` names."""
        return psycopg.connect(self.url(database, role).replace("+psycopg", "", 1), autocommit=True)

    def create(self) -> None:
        """Make the databases and roles that are missing, and set each role's password and rights.

        Raises psycopg.Error where the admin role may not, ServerTooOldError below PostgreSQL 17.
        """
        with psycopg.connect(self.admin, autocommit=True) as admin:
            if admin.info.server_version < OLDEST_SERVER:
                raise ServerTooOldError(admin.info.server_version)
            for database in DATABASES:
                self._create_roles(admin, database)
                _create_database(admin, database)
        for database in DATABASES:
            with self.connect(database, "owner") as owner:
                _raise_walls(owner, database)

    def _create_roles(self, admin: psycopg.Connection, database: str) -> None:
        for role in (f"{database}_{suffix}" for suffix in ROLES):
            if not _exists(admin, "SELECT 1 FROM pg_roles WHERE rolname = %s", role):
                admin.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
            # Sent as the verifier that the server would store: the password itself can reach no log.
            password = self.credentials.password(role)
            verifier = admin.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
            statement = sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}")
            admin.execute(statement.format(sql.Identifier(role), sql.Literal(verifier)))


class ServerTooOldError(EmbeddedError):
    """The server is older than the oldest that Accord works with."""

    def __init__(self, version: int) -> None:
        super().__init__(f"PostgreSQL {version // 10_000} is too old: use {OLDEST_SERVER // 10_000} or newer")


def _create_database(admin: psycopg.Connection, name: str) -> None:
    if _exists(admin, "SELECT 1 FROM pg_database WHERE datname = %s", name):
        return
    owner = sql.Identifier(f"{name}_owner")
    # Without this a role that is no superuser may not hand a database to the owner that it has just made.
    admin.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(owner))
    admin.execute(
        sql.SQL(
            "CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8' "
            "LOCALE 'C' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'"
        ).format(sql.Identifier(name), owner)
    )


def _raise_walls(owner: psycopg.Connection, name: str) -> None:
    database, app = sql.Identifier(name), sql.Identifier(f"{name}_app")
    for statement in (
        "REVOKE ALL ON DATABASE {database} FROM PUBLIC",
        "GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {app}",
        "REVOKE ALL ON SCHEMA public FROM PUBLIC",
        "GRANT USAGE ON SCHEMA public TO {app}",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {app}",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, USAGE ON SEQUENCES TO {app}",
    ):
        owner.execute(sql.SQL(statement).format(database=database, app=app))


def _exists(admin: psycopg.Connection, query: LiteralString, name: str) -> bool:
    return admin.execute(query, (name,)).fetchone() is not None
