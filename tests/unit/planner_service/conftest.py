"""The planner service's own application on a real database, called as the gateway would call it."""

import itertools
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.testclient import TestClient

from services.planner.app import create_app
from services.planner.forecast_client import ForecastClient
from services.planner.plans import run as plan_run
from services.planner.plans.tables import Plan
from services.planner.settings import Settings
from shared import jobs, migrate
from shared.db import Database
from tests.unit.inside import SECRET, Inside, profile
from tests.unit.planner_service.upstream import MONDAY, Upstream, demand, values

_numbers = itertools.count()


@dataclass
class Caller(Inside):
    service = "planner"

    database: Database
    upstream: Upstream

    def plan(self, *, attempts: int = 0, stopping: bool = False, **wish: Any) -> dict[str, Any]:
        """A plan run, asked for over HTTP and carried out here as the worker would."""
        run = self.ok("POST", "/plans", json=wish)
        self.work(run["id"], attempts=attempts, stopping=stopping)
        return self.ok("GET", f"/plans/{run['id']}")

    def work(self, run_id: str, *, attempts: int = 0, stopping: bool = False) -> None:
        client = ForecastClient(self.upstream.url, "key", 5)
        context: Any = SimpleNamespace(
            additional_context={"database": self.database},
            job=SimpleNamespace(attempts=attempts),
            should_abort=lambda: stopping,
        )
        jobs.attempt(context, Plan, run_id, lambda work: plan_run.carry_out(work, client))

    def supply(self, *codes: str, **rule: Any) -> None:
        """Ten units of each item in L, a supplier two weeks away, lots of five."""
        stock = [{"item": code, "location": "L", "as_of": MONDAY.isoformat(), "on_hand": 10} for code in codes]
        usual = {"location": "L", "mode": "buy", "source": "S", "lead_time": 2, "moq": 10, "multiple": 5}
        usual |= {"unit_cost": "4.00", "order_cost": "1.00"}
        self.ok("POST", "/inventory", json=stock)
        self.ok("PUT", "/supply/sourcing-rules", json=[usual | {"item": code} | rule for code in codes])
        self.ok("PUT", "/supply/planning-policies", json={"shortage_cost": "6.00"})

    def forecasts(self, *codes: str, periods: int = 8) -> None:
        """Ten units a week of each item in L, give or take four."""
        table = values({(code, "L"): (6.0, 10.0, 14.0) for code in codes}, periods)
        self.upstream.forecasts(table, demand({(code, "L"): 10.0 for code in codes}))


@pytest.fixture(scope="session")
def settings(server) -> Settings:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("ACCORD_OWNER_DATABASE_URL", server.url("planner", "owner"))
        migrate.run("planner")
    return Settings(
        database_url=server.url("planner"),
        identity_secret=SECRET,
        gateway_url="http://127.0.0.1:1",
        service_key="k" * 32,
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
def upstream():
    upstream = Upstream()
    yield upstream
    upstream.close()


@pytest.fixture
def area(client, database, upstream) -> Caller:
    """An area of the test's own."""
    return Caller(client, profile(f"area-{next(_numbers)}"), database, upstream)


@pytest.fixture
def inbox(area) -> list[dict[str, Any]]:
    """Three recommendations to buy, of items A, B and C."""
    area.supply("A", "B", "C")
    area.forecasts("A", "B", "C")
    area.plan()
    return area.ok("GET", "/recommendations?sort=created_at")["items"]
