"""The gateway as a process of threads: real PostgreSQL, real sockets, and services that do what a test tells them."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
import uvicorn

from services.gateway.app import create_app
from services.gateway.keys.credential import Credential
from services.gateway.settings import GatewaySettings
from shared import migrate
from shared.principal import HEADER, Principal, Verifier

SECRETS = {"forecast": "f" * 64, "planner": "p" * 64}
ADMIN = Credential("local", "administra10", "A" * 43)
AREA = {"area": "north", "frequency": "W", "currency": "EUR", "time_zone": "Europe/Berlin"}
DEADLINES = {"connect_seconds": 1, "answer_seconds": 1.0, "upload_seconds": 0.6, "ready_seconds": 1}

type Act = Callable[[dict, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]


@contextmanager
def listening(app: Any, **options: Any) -> Iterator[str]:
    """The URL under which an ASGI application answers from a thread."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", timeout_graceful_shutdown=1, **options))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the application did not start"
        time.sleep(0.01)
    host, port = server.servers[0].sockets[0].getsockname()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = True
        thread.join()


class Service:
    """A service behind the gateway. `act` is what it does with a call; `seen` are the scopes of the calls."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.reset()

    def reset(self) -> None:
        self.act: Act = answer(200, b"fine")
        self.seen: list[dict] = []
        self.ended = threading.Event()

    @property
    def identity(self) -> Principal:
        """Whom the gateway vouched for in the last call."""
        scope = self.seen[-1]
        token = dict(scope["headers"])[HEADER.lower().encode()].decode()
        return Verifier(self.name, SECRETS[self.name]).verify(token, scope["method"], scope["raw_path"].decode())

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode("latin-1") for name, value in self.seen[-1]["headers"]}

    async def __call__(self, scope: dict, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return
        self.seen.append(scope)
        try:
            await self.act(scope, receive, send)
        finally:
            self.ended.set()


def answer(status: int, body: bytes, *headers: tuple[bytes, bytes]) -> Act:
    async def act(_: dict, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": status, "headers": list(headers)})
        await send({"type": "http.response.body", "body": body})

    return act


async def never(_: dict, receive: Any, __: Any) -> None:
    """Take the call and give no answer until the caller leaves."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def wait(seconds: float) -> None:
    await asyncio.sleep(seconds)


@pytest.fixture(scope="session")
def services() -> Iterator[dict[str, tuple[Service, str]]]:
    forecast, planner = Service("forecast"), Service("planner")
    with listening(forecast) as at_forecast, listening(planner) as at_planner:
        yield {"forecast": (forecast, at_forecast), "planner": (planner, at_planner)}


@pytest.fixture(scope="session")
def settings(server, services) -> GatewaySettings:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("ACCORD_OWNER_DATABASE_URL", server.url("gateway", "owner"))
        migrate.run("gateway")
    return GatewaySettings(
        database_url=server.url("gateway"),
        forecast_url=services["forecast"][1],
        planner_url=services["planner"][1],
        forecast_identity_secret=SECRETS["forecast"],
        planner_identity_secret=SECRETS["planner"],
        bootstrap_admin_key=ADMIN.text,
        forecast_service_key=Credential("local", "forecastkey1", "F" * 43).text,
        planner_service_key=Credential("local", "plannerkey12", "P" * 43).text,
        most_body_bytes=1 << 20,
        most_failures=1000,  # one test's outage is not the next one's
        webhooks_private=True,
        **DEADLINES,
    )


@pytest.fixture(scope="session")
def url(settings) -> Iterator[str]:
    with listening(create_app(settings)) as at:
        yield at


@pytest.fixture(scope="session")
def admin(url) -> Iterator[httpx2.Client]:
    with caller(url, ADMIN.text) as client:
        made = client.post("/v1/areas", json=AREA)
        assert made.status_code == 201, made.text
        yield client


@pytest.fixture
def forecast(services) -> Service:
    services["forecast"][0].reset()
    return services["forecast"][0]


@pytest.fixture
def planner(services) -> Service:
    services["planner"][0].reset()
    return services["planner"][0]


def caller(url: str, key: str | None, **headers: str) -> httpx2.Client:
    authorization = {"Authorization": f"Bearer {key}"} if key else {}
    return httpx2.Client(base_url=url, headers=authorization | headers, timeout=10)


@pytest.fixture
def key_of(admin) -> Callable[..., str]:
    """The key of a new principal with these (area, role)."""

    def make(*roles: tuple[str, str], **options: Any) -> str:
        grants = [{"area": area, "role": role} for area, role in roles]
        body = {"name": f"somebody-{time.time_ns()}", "kind": "person", "roles": grants}
        principal = admin.post("/v1/principals", json=body).json()["id"]
        made = admin.post("/v1/api-keys", json={"principal": principal} | options)
        assert made.status_code == 201, made.text
        return made.json()["key"]

    return make


def problem(response: httpx2.Response) -> tuple[int, str]:
    """Status and slug of a problem, which is well formed."""
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == response.status_code
    assert body["instance"] == response.headers["x-request-id"]
    return response.status_code, body["type"].removeprefix("/docs/errors#")
