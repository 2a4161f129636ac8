"""What the processes are made of: small imports, and a database that is what the code thinks it is."""

import subprocess
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text
from sqlalchemy.exc import ProgrammingError

from services.forecast.app import contract
from services.forecast.tables import Base
from shared.db import Database

HEAVY = ("pandas", "xgboost", "mlflow", "scipy", "services.forecast.engine")


def imported(module):
    script = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ["services.forecast.app", "services.forecast.jobs"])
def test_the_api_and_an_idle_worker_import_nothing_heavy(module):
    assert not imported(module) & set(HEAVY)


def test_the_migrations_make_the_tables_that_the_code_knows(server, settings):
    engine = create_engine(server.url("forecast", "owner"))
    with engine.connect() as connection:
        options = {"include_name": lambda name, kind, _: kind != "table" or name in Base.metadata.tables}
        differences = compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata)
    engine.dispose()
    assert differences == []


def test_the_service_cannot_rewrite_its_ledger(database: Database):
    for statement in ("UPDATE ledger_entries SET actor = 'x'", "DELETE FROM ledger_entries", "TRUNCATE ledger_entries"):
        with pytest.raises(ProgrammingError, match="permission denied"), database.write() as session:
            session.execute(text(statement))


def test_every_operation_has_a_name_and_a_summary_and_its_problems():
    operations = [operation for path in contract()["paths"].values() for operation in path.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations) > 25
    for operation in operations:
        assert operation["description"]
        assert {"401", "403", "404", "422"} <= operation["responses"].keys()
