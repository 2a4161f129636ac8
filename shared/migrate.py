"""Alembic, run by a service on its own tree of revisions with the role that owns the tables."""

from importlib import import_module
from importlib.resources import files

import alembic.command
import alembic.context
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.orm import Session

from shared.settings import MigrationSettings


def run(service: str) -> None:
    """Bring the service's database to the newest revision; running it again changes nothing."""
    url = MigrationSettings().owner_database_url
    configuration = _configuration(service)
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('accord migrate'))"))
        configuration.attributes["connection"] = connection
        if _is_behind(connection, configuration):
            alembic.command.upgrade(configuration, "head")
    engine.dispose()


def apply() -> None:
    """The whole of a service's `migrations/env.py`: run the revisions on the connection that `run` opened."""
    alembic.context.configure(connection=alembic.context.config.attributes["connection"])
    with alembic.context.begin_transaction():
        alembic.context.run_migrations()


def is_current(session: Session, service: str) -> bool:
    """Whether the database stands at the newest revision that this code knows, or beyond it."""
    return not _is_behind(session.connection(), _configuration(service))


def _is_behind(connection: Connection, configuration: Config) -> bool:
    """A revision that this code does not know is a newer release's, whose schema this release still works on."""
    applied = MigrationContext.configure(connection).get_current_revision()
    scripts = ScriptDirectory.from_config(configuration)
    known = {script.revision for script in scripts.walk_revisions()}
    return applied is None or (applied in known and applied != scripts.get_current_head())


def _configuration(service: str) -> Config:
    package = f"services.{service}.migrations"
    import_module(package)
    configuration = Config()
    configuration.set_main_option("script_location", str(files(package)))
    return configuration
