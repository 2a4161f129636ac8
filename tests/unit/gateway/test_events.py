"""Events: numbered as they come, once each, pulled from a sequence on and followed as they happen."""

import asyncio
import contextlib
import itertools
import json
import threading
import uuid

import pytest
from sqlalchemy.event import listen

from services.gateway.database import Database
from services.gateway.events.following import Following
from tests.unit.gateway.conftest import ADMIN, AREA, caller

AT = "2026-03-02T08:00:00+00:00"
_areas = itertools.count()


@pytest.fixture
def path(admin):
    name = f"happens-{next(_areas)}"
    assert admin.post("/v1/areas", json=AREA | {"area": name}).status_code == 201
    return f"/v1/areas/{name}/events"


@pytest.fixture
def planner_key(url, settings):
    with caller(url, settings.planner_service_key.get_secret_value()) as client:
        yield client


def event(number, **told):
    usual = {"id": str(uuid.UUID(int=number)), "type": "plans.succeeded", "source": "planner", "subject": "p", "at": AT}
    return usual | {"data": {"number": number}} | told


def send(client, path, *events):
    return client.post(path, json={"events": list(events)})


def told(admin, path, after=0, **query):
    found = admin.get(path, params={"after": after} | query).json()
    return [(one["sequence"], one["data"]["number"]) for one in found["items"]], found["next_after"]


def test_they_are_numbered_in_their_order_and_known_by_their_ids(admin, planner_key, path):
    assert told(admin, path) == ([], 0)
    assert send(planner_key, path, event(7), event(3)).status_code == 204
    assert send(planner_key, path, event(3), event(9), event(9)).status_code == 204
    assert told(admin, path) == ([(1, 7), (2, 3), (3, 9)], 3)
    assert told(admin, path, 1, limit=1) == ([(2, 3)], 2)
    assert told(admin, path, 3) == ([], 3)


@pytest.mark.parametrize(
    "told",
    [
        {"data": {"a": ["x\0"]}},
        {"data": {"x\0": 1}},
        {"data": {"a": {"b": "\ud800"}}},
        {"subject": "\0"},
        {"type": "\x97"},
        {"at": "2026-03-02T08:00:00"},
        {"at": "9999-12-31T23:59:59-06:00"},
    ],
)
def test_what_a_database_cannot_hold_is_refused(admin, planner_key, path, told):
    content = json.dumps({"events": [event(1), event(2, **told)]})
    answer = planner_key.post(path, content=content, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["type"]) == (422, "/docs/errors#invalid")
    assert admin.get(path).json()["items"] == []


def test_no_person_tells_what_happened(url, admin, key_of, path):
    area = path.split("/")[3]
    with caller(url, key_of((area, "planner"), (area, "integrator"))) as client:
        assert send(client, path, event(1)).status_code == 403
    assert told(admin, path) == ([], 0)


@pytest.mark.parametrize("wrong", [{"source": "erp"}, {"type": ""}, {"id": "x"}, {"at": "today"}, {"data": []}])
def test_what_is_no_event_is_refused_with_all_others(admin, planner_key, path, wrong):
    assert send(planner_key, path, event(1), event(2, **wrong)).status_code == 422
    assert told(admin, path) == ([], 0)


def read(lines, count):
    """The next events of a stream: (id, type, number)."""
    found, fields = [], {}
    for line in lines:
        if line == "" and "id" in fields:
            found.append((int(fields["id"]), fields["event"], json.loads(fields["data"])["data"]["number"]))
            fields = {}
            if len(found) == count:
                return found
        elif not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields[name] = value
    return found


def test_a_client_that_comes_back_misses_nothing(url, admin, planner_key, path):
    send(planner_key, path, event(1), event(2))
    headers = {"Accept": "text/event-stream", "Last-Event-ID": "1"}
    with caller(url, ADMIN.text) as client, client.stream("GET", path, headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.iter_lines()
        assert read(lines, 1) == [(2, "plans.succeeded", 2)]
        threading.Timer(0.2, lambda: send(planner_key, path, event(3, type="decision.accept"))).start()
        assert read(lines, 1) == [(3, "decision.accept", 3)]


def test_who_says_nothing_follows_from_now_on(url, admin, planner_key, path):
    send(planner_key, path, event(1))
    headers = {"Accept": "text/event-stream"}
    with caller(url, ADMIN.text) as client, client.stream("GET", path, headers=headers) as answer:
        lines = answer.iter_lines()
        assert next(lines) == "retry: 1000"
        threading.Timer(0.2, lambda: send(planner_key, path, event(2))).start()
        assert read(lines, 1) == [(2, "plans.succeeded", 2)]


def test_clients_that_wait_share_one_look(server, admin, planner_key, path):
    """Of 50 that wait for two seconds, each is told as soon as something happens, by some four queries in all."""
    area, queries = path.split("/")[3], []

    async def waited():
        database = Database(server.url("gateway"), pool_size=1)
        listen(database.engine.sync_engine, "before_cursor_execute", lambda *told: queries.append(told[2]))
        following = Following(database)
        with contextlib.ExitStack() as clients:
            for _ in range(50):
                clients.enter_context(following.client(area))
            looking = asyncio.create_task(following.look())
            waiting = [asyncio.create_task(following.news(area, 0, 20)) for _ in range(50)]
            await asyncio.sleep(1.5)
            assert not any(one.done() for one in waiting)
            await asyncio.to_thread(send, planner_key, path, event(1))
            assert await asyncio.gather(*waiting) == [True] * 50
            assert not await following.news(area, 1, 0.1)
            looking.cancel()
        await database.dispose()

    asyncio.run(waited())
    assert 1 <= sum("event_heads" in query for query in queries) <= 10
