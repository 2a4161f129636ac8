"""The forecast service's own application on a real database, called as the gateway would call it."""

import itertools
from types import SimpleNamespace

import pytest
from starlette.testclient import TestClient

from services.forecast.app import create_app
from services.forecast.kinds import KINDS
from services.forecast.settings import Settings
from shared import jobs, migrate
from shared.db import Database
from shared.imports import job
from shared.imports.tables import Import
from tests.unit.inside import SECRET, Inside, profile

_numbers = itertools.count()


class Caller(Inside):
    service = "forecast"


@pytest.fixture(scope="session")
def settings(server, tmp_path_factory) -> Settings:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("ACCORD_OWNER_DATABASE_URL", server.url("forecast", "owner"))
        migrate.run("forecast")
    home = tmp_path_factory.mktemp("forecast")
    return Settings(
        database_url=server.url("forecast"),
        identity_secret=SECRET,
        gateway_url="http://127.0.0.1:1",
        service_key="k" * 32,
        mlflow_tracking_uri=server.url("mlflow", "owner"),
        mlflow_artifacts=str(home / "artifacts"),
        model_cache=home / "cache",
        datasets=home / "datasets",
    )


@pytest.fixture(scope="session")
def database(settings):
    database = Database(settings.database_url)
    yield database
    database.dispose()


@pytest.fixture(scope="session")
def client(settings):
    with TestClient(create_app(settings)) as client:
        yield client


@pytest.fixture
def area(client) -> Caller:
    """An area of the test's own."""
    return Caller(client, profile(f"area-{next(_numbers)}", horizon=4))


@pytest.fixture
def finish(database):
    """Carry the import of an answer out as the worker does; returns it as the API shows it."""

    def finish(area, answer, *, attempts=0, stopping=False):
        assert answer.status_code == 202, answer.text
        context = SimpleNamespace(
            additional_context={"database": database},
            job=SimpleNamespace(attempts=attempts),
            should_abort=lambda: stopping,
        )
        name = answer.json()["id"]
        jobs.attempt(context, Import, name, lambda work: job.carry_out(work, KINDS))
        return area.ok("GET", f"/imports/{name}")

    return finish
