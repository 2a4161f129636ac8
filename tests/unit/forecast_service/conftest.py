"""The forecast service's own application on a real database, called as the gateway would call it."""

import itertools
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest
from starlette.testclient import TestClient

from services.forecast.app import create_app
from services.forecast.settings import Settings
from shared import migrate
from shared.db import Database
from shared.principal import HEADER, Area, Principal, Signer

SECRET = "a secret of the tests, long enough to be one"
_numbers = itertools.count()


def profile(name: str = "north", **changes: Any) -> Area:
    usual = Area(
        area=name,
        frequency="W",
        season_length=52,
        horizon=4,
        quantiles=(0.1, 0.5, 0.9),
        currency="USD",
        time_zone="UTC",
        week_start=1,
        holding_rate=Decimal("0.2"),
        shortage_factor=Decimal(1),
    )
    return replace(usual, **changes)


def principal(area: Area) -> Principal:
    return Principal("person-1", "Ann", frozenset({"admin"}), area)


@dataclass
class Caller:
    """Calls the application inside one area."""

    client: TestClient
    area: Area

    def __call__(self, method: str, path: str, **request: Any) -> Any:
        path = f"/v1/areas/{self.area.area}{path}"
        token = Signer("forecast", SECRET).sign(principal(self.area), method, path.partition("?")[0])
        headers = {HEADER: token} | request.pop("headers", {})
        return self.client.request(method, path, headers=headers, **request)

    def ok(self, method: str, path: str, **request: Any) -> Any:
        answer = self(method, path, **request)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None


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
    return Caller(client, profile(f"area-{next(_numbers)}"))
