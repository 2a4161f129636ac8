"""Two hundred callers wait for one run, and nobody else notices."""

import asyncio
import json

import aiohttp
import pytest

from tests.factories import history, load_history

WAITERS = 100
AHEAD = 30  # trainings that would last for minutes
OVER = {"succeeded", "failed", "cancelled"}


@pytest.fixture(scope="module")
def busy(accord):
    area = accord.area()
    load_history(area)
    return area


@pytest.fixture
def queued(busy):
    """A training that stands behind many others of its area, until it is cancelled."""
    mlops = busy.as_("mlops")
    runs = [mlops.post("/training-runs", json={"reason": "wait"}).headers["location"] for _ in range(AHEAD + 1)]
    yield runs[-1]
    for run in reversed(runs):
        mlops.post(run.removeprefix(busy.prefix) + "/cancel")


async def wait(session, path):
    """The run once it is over, asked for as often as it takes."""
    while True:
        async with session.get(path, headers={"Prefer": "wait=25"}) as answer:
            if answer.status == 503:  # all of them come at once; a busy machine may ask some to come again
                await asyncio.sleep(int(answer.headers["Retry-After"]))
                continue
            assert answer.status == 200
            assert answer.headers["Preference-Applied"] == "wait=25"
            run = await answer.json()
        if run["status"] in OVER:
            return run


async def follow(session, path, door, began):
    """The events of a run as (id, name, run). door: lets a few in at a time, until each has its first event."""
    found, fields = [], {}
    await door.acquire()
    async with session.get(f"{path}/events") as stream:
        if stream.status == 503:
            door.release()
            await asyncio.sleep(int(stream.headers["Retry-After"]))
            return await follow(session, path, door, began)
        assert (stream.status, stream.content_type) == (200, "text/event-stream")
        async for line in stream.content:
            name, _, value = line.decode().strip("\n").partition(": ")
            fields[name] = value
            if line == b"\n" and "event" in fields:
                if not found:
                    door.release()
                    began.release()
                found.append((int(fields["id"]), fields["event"], json.loads(fields["data"])))
                fields = {}
    return found


async def crowd(accord, run, read):
    key = accord.admin.headers["authorization"]
    async with aiohttp.ClientSession(
        accord.url,
        headers={"Authorization": key},
        connector=aiohttp.TCPConnector(limit=0),
        timeout=aiohttp.ClientTimeout(total=180),
    ) as session:
        door, began = asyncio.Semaphore(10), asyncio.Semaphore(0)
        async with asyncio.timeout(180), asyncio.TaskGroup() as group:  # if one of them fails, all end
            follows = [group.create_task(follow(session, run, door, began)) for _ in range(WAITERS)]
            waits = [group.create_task(wait(session, run)) for _ in range(WAITERS)]
            for _ in range(WAITERS):
                await began.acquire()
            for _ in range(20):
                async with session.get(read) as answer:
                    assert answer.status == 200
            assert [task for task in follows if task.done()] == []
            async with session.post(f"{run}/cancel") as answer:
                assert answer.status == 200
        return [task.result() for task in waits], [task.result() for task in follows]


def test_two_hundred_wait_and_all_get_the_end(accord, busy, queued):
    waited, followed = asyncio.run(crowd(accord, queued, f"{busy.prefix}/demand?limit=10"))
    end = accord.admin.get(queued).json()
    assert end["status"] == "cancelled"
    assert waited == [end] * WAITERS
    for events in followed:
        ids = [number for number, _, _ in events]
        assert ids == sorted(set(ids))
        assert {name for _, name, _ in events[:-1]} == {"progress"}
        assert events[-1][1:] == ("cancelled", end)
    last = followed[0][-1][0]
    again = accord.admin.get(f"{queued}/events", headers={"Last-Event-ID": str(last)})
    assert (again.status_code, again.content) == (204, b"")


def test_a_run_of_another_area_cannot_be_followed(accord, queued):
    other = accord.area()
    run = queued.rsplit("/", 1)[1]
    for path in (f"/training-runs/{run}/events", f"/forecasts/{run}/events", f"/plans/{run}/events"):
        answer = other.as_("viewer").get(path)
        assert (answer.status_code, answer.json()["type"]) == (404, "/docs/errors#not-found")


def test_a_post_waits_for_its_run(accord):
    area = accord.area()
    erp = area.as_("integrator")
    erp.put("/items", json=[{"item": "A"}])
    erp.put("/locations", json=[{"location": "L1"}])
    erp.post("/demand", json=history(3, ("A",)))
    started = area.as_("planner").post("/plans", json={}, headers={"Prefer": "wait=25"})
    assert (started.status_code, started.headers["preference-applied"]) == (202, "wait=25")
    run = area.finish(started)
    assert (run["status"], run["error"]["type"]) == ("failed", "/docs/errors#no-forecast")
    with area.as_("planner").stream("GET", f"/plans/{run['id']}/events") as stream:
        text = stream.read().decode()
    data = text.split("data: ", 1)[1].strip()
    assert "event: failed\n" in text
    assert json.loads(data) == run
