"""What callers and orchestrators see while something behind the gateway is away."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import httpx2
import pytest

from services.gateway.app import create_app
from tests.unit.gateway.conftest import ADMIN, answer, caller, listening, problem

ITEMS = "/v1/areas/north/items"
READY = b'{"status": "ready", "checks": {"database": "ok", "migrations": "ok", "worker": "ok"}}'
IDLE = b'{"status": "ready", "checks": {"database": "ok", "migrations": "ok", "worker": "none alive"}}'
JSON = (b"content-type", b"application/json")


@contextlib.contextmanager
def behind(settings, forecast_url) -> Iterator[httpx2.Client]:
    """A gateway whose forecast service is elsewhere."""
    app = create_app(settings.model_copy(update={"forecast_url": forecast_url}))
    with listening(app) as url, caller(url, ADMIN.text) as client:
        yield client


@contextlib.contextmanager
def tcp(serve) -> Iterator[str]:
    """A server that does no more than `serve` with each connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection:
                        serve(connection)

        thread = threading.Thread(target=accept)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
    thread.join()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_service_that_is_down(settings, admin, planner):
    with behind(settings, f"http://127.0.0.1:{free_port()}") as client:
        response = client.get(ITEMS)
        assert problem(response) == (503, "unavailable")
        assert response.headers["retry-after"] == "2"
        assert response.json()["retryable"] is True
        assert client.get("/v1/areas/north/inventory").status_code == 200
        assert client.get("/v1/areas/north").status_code == 200


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 O", b"no http at all\r\n\r\n"])
def test_a_service_that_breaks_off(settings, admin, said):
    def serve(connection):
        connection.recv(65536)
        connection.sendall(said)

    with tcp(serve) as url, behind(settings, url) as client:
        response = client.post("/v1/areas/north/demand", content=b"x")
        assert problem(response) == (502, "bad-gateway")
        assert response.json()["retryable"] is False


def ready(client, forecast, planner, of_forecast, of_planner):
    forecast.act, planner.act = answer(200, of_forecast, JSON), answer(200, of_planner, JSON)
    response = client.get("/v1/health/ready")
    return response.status_code, response.json()["checks"]


def test_ready_when_everything_is(url, admin, forecast, planner):
    fine = {"migrations": "ok", "forecast": "ok", "planner": "ok"}
    assert ready(admin, forecast, planner, READY, READY) == (200, fine)
    assert httpx2.get(f"{url}/v1/health/live").status_code == 200


def test_not_ready_without_a_worker(admin, forecast, planner):
    status, checks = ready(admin, forecast, planner, READY, IDLE)
    assert (status, checks["forecast"], checks["planner"]) == (503, "ok", "worker: none alive")


def test_not_ready_while_a_service_answers_nonsense(admin, forecast, planner):
    for nonsense in (b"", b"[]", b'{"checks": 7}', b"\xff"):
        assert ready(admin, forecast, planner, nonsense, READY)[0] == 503


def test_not_ready_while_a_service_is_down(settings, admin, planner):
    planner.act = answer(200, READY, JSON)
    with behind(settings, f"http://127.0.0.1:{free_port()}") as client:
        response = client.get("/v1/health/ready")
        assert response.status_code == 503
        assert response.json()["checks"] == {"migrations": "ok", "forecast": "does not answer", "planner": "ok"}
        assert client.get("/v1/health/live").status_code == 200
