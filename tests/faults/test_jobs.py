"""Runs and what befalls their workers: dead, stalled, stopped; an upstream away; people who change their minds."""

import datetime
import signal

import pytest

from bench.trial.system import WORKERS
from tests.factories import load_history
from tests.faults.conftest import until

REASON = {"reason": "test"}
SECOND = "forecast-worker-2"


@pytest.fixture
def area(alone):
    """An area with history and nothing else."""
    area = alone.area()
    load_history(area)
    return area


@pytest.fixture
def second(system):
    """Starts one more forecast worker; it is gone after the test."""
    yield lambda: system.start([SECOND])
    system.end(SECOND)


def train(area):
    started = area.as_("mlops").post("/training-runs", json=REASON)
    assert started.status_code == 202, started.text
    return started


def run(system, answer):
    """(status, attempt) as stored."""
    table = answer.headers["location"].split("/")[-2].replace("-", "_")
    with system.server.connect("planner" if table == "plans" else "forecast") as database:
        query = f"SELECT status, attempt FROM {table} WHERE id = %s"  # noqa: S608
        return database.execute(query, (answer.json()["id"],)).fetchone()


def jobs(system, service, answer):
    with system.server.connect(service) as database:
        query = "SELECT status::text, attempts, scheduled_at - now() FROM procrastinate_jobs WHERE args->>'run_id' = %s"
        return database.execute(query, (answer.json()["id"],)).fetchall()


def span(body):
    return tuple(datetime.datetime.fromisoformat(body[name]) for name in ("started_at", "finished_at"))


def test_a_stalled_worker_that_returns_changes_nothing(system, area, second):
    started = train(area)
    until(lambda: run(system, started) == ("running", 1))
    system.send("forecast-worker", signal.SIGSTOP)
    try:
        second()
        until(lambda: run(system, started)[1] == 2)
    finally:
        system.send("forecast-worker", signal.SIGCONT)
    until(lambda: f"run {started.json()['id']} was taken over" in system.log.read_text())
    if run(system, started)[0] == "running":
        assert [job[:2] for job in jobs(system, "forecast", started)] == [("doing", 1)]
    body = area.succeed(started)
    versions = area.as_("mlops").get("/models/versions").json()["items"]
    assert [(one["training_run"], one["version"]) for one in versions] == [(body["id"], body["model_version"])]
    until(lambda: jobs(system, "forecast", started) == [])


def test_an_area_trains_one_model_at_a_time_and_another_does_not_wait(system, alone, area, second):
    second()
    other = alone.area()
    load_history(other)
    with system.server.connect("forecast") as database:
        query = "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - interval '3 s'"
        until(lambda: database.execute(query).fetchone() == (12,))  # of each process one a queue
    answers = [train(area), train(area), train(other)]
    first, last, independent = (
        span(home.succeed(answer)) for home, answer in zip((area, area, other), answers, strict=True)
    )
    assert first[1] <= last[0]
    assert independent[0] <= last[0]


def test_a_queued_run_is_cancelled_at_once_and_a_running_one_soon(system, area):
    running, queued = train(area), train(area)
    until(lambda: run(system, running) == ("running", 1))
    mlops = area.as_("mlops")
    places = [answer.headers["location"].removeprefix(area.prefix) for answer in (running, queued)]
    assert mlops.post(f"{places[1]}/cancel").json()["status"] == "cancelled"
    mlops.post(f"{places[0]}/cancel")
    assert area.finish(running)["status"] == "cancelled"
    assert run(system, queued) == ("cancelled", 0)
    assert mlops.get("/models/versions").json()["items"] == []


def test_a_worker_that_is_told_to_stop_gives_its_run_back(system, area, restarted):
    started = train(area)
    until(lambda: run(system, started) == ("running", 1))
    system.send("forecast-worker", signal.SIGTERM)
    assert system.wait("forecast-worker") == 0
    assert run(system, started)[0] in {"queued", "succeeded"}
    restarted("forecast-worker")
    area.succeed(started)
    assert len(area.as_("mlops").get("/models/versions").json()["items"]) == 1


def test_queued_runs_survive_the_death_of_everything(system, planned, restarted):
    system.kill(WORKERS)
    answers = [planned.as_("planner").post("/plans", json={}) for _ in range(3)]
    names = system.names
    system.kill(name for name in names if name not in WORKERS)
    restarted(*names)
    spans = [span(planned.succeed(answer)) for answer in answers]
    assert spans == sorted(spans)
    assert planned.as_("planner").post("/decisions:verify").json()["chains"][0]["intact"]


def test_a_plan_waits_longer_and_longer_for_a_service_that_is_away(system, planned, restarted):
    system.kill(["forecast"])
    waits = []
    try:
        started = planned.as_("planner").post("/plans", json={})
        for attempt in range(1, 5):
            [(_, _, wait)] = until(lambda attempt=attempt: waiting(system, started, attempt))
            waits.append(wait.total_seconds())
            hurry(system, started)
        body = planned.finish(started)
    finally:
        restarted("forecast")
    assert waits == sorted(waits)
    assert [wait > 2**power / 2 for power, wait in enumerate(waits, 1)] == [True] * 4
    assert (body["status"], body["error"]["retryable"]) == ("failed", True)
    assert "forecast service" in body["error"]["detail"]


def test_a_plan_succeeds_once_the_service_is_back(system, planned, restarted):
    system.kill(["forecast"])
    try:
        started = planned.as_("planner").post("/plans", json={})
        until(lambda: waiting(system, started, 1))
        assert run(system, started) == ("queued", 1)
    finally:
        restarted("forecast")
    planned.succeed(started)


def waiting(system, answer, attempts):
    return [job for job in jobs(system, "planner", answer) if job[:2] == ("todo", attempts)]


def hurry(system, answer):
    """Let the next attempt begin now; the worker looks every few seconds."""
    with system.server.connect("planner") as database:
        query = "UPDATE procrastinate_jobs SET scheduled_at = now() WHERE args->>'run_id' = %s"
        database.execute(query, (answer.json()["id"],))
        database.execute('NOTIFY "procrastinate_queue_v1#default", \'{"type": "job_inserted", "job_id": 0}\'')
