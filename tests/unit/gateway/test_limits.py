"""What one caller may take, how it is told, and that nobody else is the poorer for it."""

import contextlib
import threading

import httpx2
import pytest

from services.gateway.app import create_app
from services.gateway.limits import is_waiting
from tests.unit.gateway.conftest import ADMIN, answer, caller, listening, never, problem, wait

ITEMS = "/v1/areas/north/items"
RUN = "/v1/areas/north/forecasts/latest"


@contextlib.contextmanager
def limited(settings, **limits):
    """The URL of another gateway process, which allows less."""
    with listening(create_app(settings.model_copy(update=limits))) as url:
        yield url


@pytest.fixture
def viewer(key_of):
    return key_of(("north", "viewer"))


def test_every_answer_tells_what_is_left(admin, forecast):
    first, second = admin.get(ITEMS), admin.get("/v1/me")
    assert first.headers["ratelimit-policy"] == ('"calls";q=3000;w=10, "at-a-time";q=64;qu="concurrent-requests"')
    name, left, reset = first.headers["ratelimit"].split(";")
    assert (name, left[:2], reset[:2]) == ('"calls"', "r=", "t=")
    assert 0 < int(left[2:]) < 3000
    assert 1 <= int(reset[2:]) <= 10
    assert "ratelimit" in second.headers


def test_who_calls_too_often_is_refused_and_nobody_else(settings, admin, viewer, forecast):
    with limited(settings, most_calls=3, calls_seconds=3600) as url, caller(url, viewer) as flood:
        answers = [flood.get(ITEMS) for _ in range(5)]
        assert [each.status_code for each in answers] == [200, 200, 200, 429, 429]
        assert [each.headers["ratelimit"].split(";")[1] for each in answers] == ["r=2", "r=1", "r=0", "r=0", "r=0"]
        assert problem(answers[-1]) == (429, "rate-limited")
        assert answers[-1].headers["retry-after"] == answers[-1].headers["ratelimit"].partition("t=")[2]
        assert answers[-1].json()["retryable"] is True
        assert problem(flood.get("/v1/me")) == (429, "rate-limited")
        assert len(forecast.seen) == 3
        with caller(url, ADMIN.text) as other:
            assert other.get(ITEMS).status_code == 200


def test_two_keys_of_one_principal_share_its_calls(settings, admin, forecast):
    body = {"name": "twice", "kind": "system", "roles": [{"area": "north", "role": "viewer"}]}
    principal = admin.post("/v1/principals", json=body).json()["id"]
    keys = [admin.post("/v1/api-keys", json={"principal": principal}).json()["key"] for _ in range(2)]
    with limited(settings, most_calls=1, calls_seconds=3600) as url:
        answers = [httpx2.get(url + ITEMS, headers={"Authorization": f"Bearer {key}"}) for key in keys]
    assert [each.status_code for each in answers] == [200, 429]


@contextlib.contextmanager
def stuck(client, service, path, calls, **headers):
    """That many calls, which the service holds as long as the block lasts."""
    gate = threading.Event()

    async def hold(scope, receive, send):
        while not gate.is_set():
            await wait(0.01)
        await answer(200, b"held")(scope, receive, send)

    service.act = hold
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(client.get(path, headers=headers))) for _ in range(calls)]
    before = len(service.seen)
    for thread in threads:
        thread.start()
    while len(service.seen) < before + calls:
        threading.Event().wait(0.01)
    try:
        yield
    finally:
        gate.set()
        for thread in threads:
            thread.join()
    assert [each.status_code for each in answers] == [200] * calls


def test_calls_at_a_time_are_bounded_by_caller_and_given_back(settings, admin, viewer, forecast, planner):
    with (
        limited(settings, most_calls_at_a_time=2) as url,
        caller(url, viewer) as flood,
        caller(url, ADMIN.text) as other,
    ):
        with stuck(flood, forecast, ITEMS, 2):
            refused = flood.get("/v1/areas/north/inventory")
            assert problem(refused) == (429, "too-many-calls")
            assert refused.headers["retry-after"] == "1"
            assert other.get("/v1/areas/north/inventory").status_code == 200
        assert flood.get("/v1/areas/north/inventory").status_code == 200
    assert len(planner.seen) == 2


def test_calls_at_a_time_are_bounded_by_area(settings, admin, viewer, forecast):
    admin.post("/v1/areas", json={"area": "south", "frequency": "W", "currency": "EUR", "time_zone": "Europe/Berlin"})
    with (
        limited(settings, most_area_calls_at_a_time=1) as url,
        caller(url, ADMIN.text) as other,
        caller(url, viewer) as flood,
        stuck(flood, forecast, ITEMS, 1),
    ):
        assert problem(other.get(ITEMS)) == (429, "too-many-calls")
        assert other.get("/v1/areas/south/inventory").status_code == 200
        assert other.get("/v1/me").status_code == 200


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (RUN, {"Prefer": "wait=20"}),
        (RUN + "/events", {}),
        ("/v1/areas/north/events", {"Accept": "text/event-stream"}),
    ],
)
def test_those_who_wait_are_counted_apart(settings, admin, viewer, forecast, path, headers):
    with (
        limited(settings, most_streams=1, most_calls_at_a_time=1) as url,
        caller(url, viewer) as client,
        stuck(client, forecast, RUN, 1, Prefer="wait=20"),
    ):
        assert problem(client.get(path, headers=headers)) == (429, "too-many-streams")
        assert client.get("/v1/areas/north").status_code == 200


def test_what_counts_as_waiting():
    assert not is_waiting("/v1/areas/north/events", [(b"accept", b"application/json")])
    assert not is_waiting(ITEMS, [(b"prefer", b"return=minimal")])
    assert is_waiting("/v1/areas/north/plans/7/events", [])


def test_a_caller_who_leaves_gives_its_place_back(settings, admin, viewer, forecast):
    with limited(settings, most_calls_at_a_time=1) as url:
        forecast.act = never
        with caller(url, viewer) as client, pytest.raises(httpx2.ReadTimeout):
            client.get(ITEMS, timeout=0.2)
        assert forecast.ended.wait(2)
        forecast.act = answer(200, b"fine")
        with caller(url, viewer) as client:
            assert client.get(ITEMS).status_code == 200
