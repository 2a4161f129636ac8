"""Several processes of one service: who gets a call, and what is done when one of them is gone or hangs."""

import contextlib
import socket
import threading
import time

import httpx2
import pytest

from services.gateway.app import create_app
from services.gateway.circuit import Circuit
from services.gateway.replicas import Replicas
from tests.unit.gateway.conftest import ADMIN, Service, answer, caller, listening, never, problem
from tests.unit.gateway.test_outage import READY, free_port

ITEMS, DEMAND = "/v1/areas/north/items", "/v1/areas/north/demand"
LONG, SHORT = 3600, 0.1


@pytest.fixture(scope="module")
def twins():
    """Two processes of the forecast service, and their addresses."""
    with contextlib.ExitStack() as held:
        services = [Service("forecast"), Service("forecast")]
        yield services, [held.enter_context(listening(one)) for one in services]


@pytest.fixture
def pair(twins):
    for service in twins[0]:
        service.reset()
    return twins


@contextlib.contextmanager
def before(settings, *urls, **more):
    """A client of a gateway that knows the forecast service under these addresses."""
    changed = {"forecast_url": ", ".join(urls), "circuit_seconds": LONG, "health_seconds": LONG, "most_failures": 2}
    with listening(create_app(settings.model_copy(update=changed | more))) as url, caller(url, ADMIN.text) as client:
        yield client


def down():
    return f"http://127.0.0.1:{free_port()}"


def test_calls_go_round(settings, admin, pair):
    services, urls = pair
    with before(settings, *urls) as client:
        assert [client.get(ITEMS).status_code for _ in range(6)] == [200] * 6
    assert [len(service.seen) for service in services] == [3, 3]


@pytest.mark.parametrize("content", [b"whole", [b"in ", b"pieces"]])
def test_a_process_that_is_gone_costs_no_call(settings, admin, pair, content):
    (service, _), (url, _) = pair
    with before(settings, url, down()) as client:
        bodies = (content if isinstance(content, bytes) else iter(content) for _ in range(4))
        assert [client.post(DEMAND, content=body).status_code for body in bodies] == [200] * 4
    assert len(service.seen) == 4


def test_a_process_that_is_not_ready_is_passed_over(settings, admin, pair):
    services, urls = pair
    services[0].act = answer(200, READY)
    services[1].act = answer(503, b'{"status": "not ready", "checks": {"database": "away"}}')
    with before(settings, *urls) as client:
        assert client.get("/v1/health/ready").json()["checks"]["forecast"] == "ok"
        assert [client.get(ITEMS).status_code for _ in range(4)] == [200] * 4
    assert [[scope["path"] == ITEMS for scope in service.seen].count(True) for service in services] == [4, 0]


def test_where_none_is_ready_all_are_still_asked(settings, admin, pair):
    services, urls = pair
    for service in services:
        service.act = answer(503, b"{}")
    with before(settings, *urls) as client:
        assert client.get("/v1/health/ready").status_code == 503
        assert [client.get(ITEMS).status_code for _ in range(2)] == [503] * 2
    assert [service.seen[-1]["path"] for service in services] == [ITEMS] * 2


def test_a_process_that_comes_back_is_found_by_itself(settings, admin, pair):
    services, urls = pair
    for service in services:
        service.act = answer(200, READY)
    with before(settings, *urls, health_seconds=0.05):
        deadline = time.monotonic() + 5
        while not all(any(scope["path"] == "/v1/health/ready" for scope in one.seen) for one in services):
            assert time.monotonic() < deadline, "nobody asks whether they are ready"
            time.sleep(0.01)


@contextlib.contextmanager
def breaking(times):
    """The address of a server that closes the first so many connections without a word, and then answers."""
    requests = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection:
                        requests.append(connection.recv(65536))
                        if len(requests) > times:
                            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}", requests
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.mark.parametrize(("times", "status", "sent"), [(1, 200, 2), (2, 502, 2)])
def test_a_get_that_breaks_off_is_tried_once_more(settings, admin, times, status, sent):
    with breaking(times) as (url, requests), before(settings, url, most_failures=9) as client:
        assert client.get(ITEMS).status_code == status
    assert len(requests) == sent


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_else_is_sent_twice(settings, admin, method):
    with breaking(1) as (url, requests), before(settings, url, most_failures=9) as client:
        target = ITEMS if method != "POST" else DEMAND
        assert problem(client.request(method, target, content=b"x")) == (502, "bad-gateway")
    assert len(requests) == 1


def test_a_service_that_never_answers_is_left_alone(settings, admin, forecast, planner, services):
    """Each call costs the deadline until the circuit opens; then none does, and other services never noticed."""
    forecast.act = never
    url = services["forecast"][1]
    with before(settings, url, answer_seconds=0.3, circuit_seconds=7) as client:
        for _ in range(2):
            began = time.monotonic()
            assert problem(client.get(ITEMS)) == (504, "gateway-timeout")
            assert 0.3 <= time.monotonic() - began < 0.8
        refused = client.get(ITEMS)
        assert problem(refused) == (503, "unavailable")
        assert (refused.headers["retry-after"], refused.json()["retryable"]) == ("7", True)
        assert client.get("/v1/areas/north/inventory").status_code == 200
        assert client.get("/v1/health/ready").json()["checks"]["forecast"] == "does not answer"
    assert len(forecast.seen) == 2


def test_a_caller_who_leaves_says_nothing_against_a_service(settings, admin, forecast, services):
    with before(settings, services["forecast"][1], most_failures=1) as client:
        forecast.act = never
        with pytest.raises(httpx2.ReadTimeout):
            client.get(ITEMS, timeout=0.2)
        assert forecast.ended.wait(2)
        forecast.act = answer(500, b"")
        assert [client.get(ITEMS).status_code for _ in range(2)] == [500] * 2


def test_a_service_that_has_all_the_calls_it_may_have_gets_no_more(settings, admin, forecast, planner, services):
    forecast.act = never
    with before(settings, services["forecast"][1], most_connections=1) as client:
        stuck = threading.Thread(target=lambda: client.get(ITEMS))
        stuck.start()
        while not forecast.seen:
            time.sleep(0.01)
        assert problem(client.get(ITEMS)) == (503, "unavailable")
        assert client.get("/v1/areas/north/inventory").status_code == 200
        stuck.join()
    assert len(forecast.seen) == 1


def test_after_its_pause_one_call_probes_and_closes_the_circuit():
    circuit = Circuit("service", failures=1, seconds=SHORT)
    circuit.failed(ConnectionError())
    assert not circuit.passes
    time.sleep(2 * SHORT)
    assert circuit.passes
    with circuit.call():
        assert not circuit.passes, "a second probe beside the first"
        circuit.answered()
        assert circuit.passes
    assert circuit.passes


def test_a_probe_that_fails_opens_the_circuit_anew():
    circuit = Circuit("service", failures=3, seconds=SHORT)
    for _ in range(3):
        assert circuit.passes
        circuit.failed(ConnectionError())
    time.sleep(2 * SHORT)
    assert circuit.passes
    with circuit.call():
        circuit.failed(ConnectionError())
    assert not circuit.passes


def test_a_probe_whose_caller_left_is_followed_by_another():
    circuit = Circuit("service", failures=1, seconds=SHORT)
    circuit.failed(ConnectionError())
    time.sleep(2 * SHORT)
    assert circuit.passes
    with circuit.call():
        pass
    assert circuit.passes


def test_only_failures_in_a_row_count():
    circuit = Circuit("service", failures=2, seconds=LONG)
    for _ in range(3):
        circuit.failed(ConnectionError())
        circuit.answered()
    assert circuit.passes


def test_nobody_is_picked_where_all_circuits_are_open(settings):
    replicas = Replicas("http://a,http://b", settings.model_copy(update={"most_failures": 1}))
    first = replicas.pick()
    assert replicas.pick([first]) is not first
    for replica in replicas.all:
        replica.circuit.failed(ConnectionError())
    assert replicas.pick() is None
