"""Waiting for runs, over real HTTP: what is answered when, and that nobody who waits holds anything."""

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from uuid import uuid4

import httpx2
import pytest
from fastapi import Response
from sqlalchemy import func, select

from shared import app as application
from shared import jobs, waiting
from shared.app import problems
from shared.db import Read, Write
from shared.errors import NotFound
from shared.jobs import RunOut
from shared.principal import HEADER, Caller, Signer
from shared.protocol import BoundedProtocol
from shared.settings import UpstreamSettings
from shared.watcher import Watcher
from tests.unit.gateway.conftest import listening
from tests.unit.shared.errands import Errand
from tests.unit.shared.test_principal import SECRET, WHO

ERRANDS = f"/v1/areas/{WHO.area.area}/errands"
PATIENCE_SECONDS = 30


def errands():
    router = application.router()
    runs = waiting.Runs(Errand, lambda _, run: RunOut(**RunOut.fields(run)))

    @router.post("/errands", status_code=202, dependencies=[runs.prefer])
    def start(who: Caller, session: Write, response: Response) -> RunOut:
        run = Errand(area=who.area.area)
        jobs.start(session, run, who, "test:errand")
        response.headers["Location"] = f"{ERRANDS}/{run.id}"
        return RunOut(**RunOut.fields(run))

    @router.get("/errands/{run}", dependencies=[runs.prefer])
    def one(run: str, who: Caller, session: Read) -> RunOut:
        found = session.get(Errand, run)
        if found is None:
            raise NotFound("none")
        return RunOut(**RunOut.fields(found))

    runs.events(router, "/errands/{run}/events", operation_id="follow_errand", responses=problems())
    return router


class Service:
    """A service that runs errands, and a caller of it."""

    def __init__(self, app, url):
        self.app = app
        self.client = httpx2.Client(base_url=url, timeout=PATIENCE_SECONDS)

    @property
    def watcher(self):
        return self.app.state.watcher

    @watcher.setter
    def watcher(self, watcher):
        self.app.state.watcher = watcher

    def signed(self, method, path, headers):
        return {HEADER: Signer("errands", SECRET).sign(WHO, method, path)} | headers

    def call(self, method, path, **headers):
        return self.client.request(method, path, headers=self.signed(method, path, headers))

    def stream(self, path, **headers):
        return self.client.stream("GET", path, headers=self.signed("GET", path, headers))

    def await_followers(self, number):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while sum(followed.followers for followed in self.watcher._followed.values()) != number:
            assert time.monotonic() < deadline
            time.sleep(0.01)


@contextlib.contextmanager
def serving(queue):
    settings = UpstreamSettings(
        database_url=queue, pool_size=1, identity_secret=SECRET, gateway_url="http://x", service_key="k" * 32
    )
    app = application.create_upstream("errands", settings, [errands()])
    with listening(app, http=BoundedProtocol) as url:
        yield Service(app, url)


@pytest.fixture(scope="module")
def running(queue):
    with serving(queue) as service:
        yield service


@pytest.fixture
def service(running):
    running.watcher = Watcher(running.app.state.database)
    return running


@pytest.fixture
def errand(database):
    with database.write() as session:
        run = Errand(area=WHO.area.area)
        jobs.start(session, run, WHO, "test:errand")
    return run


def carry_out(database, run_id, steps=0):
    def do(work):
        for step in range(steps):
            work.progress(step + 1, steps, "steps")
        with work.finish():
            pass

    context = SimpleNamespace(
        additional_context={"database": database}, job=SimpleNamespace(attempts=0), should_abort=lambda: False
    )
    jobs.attempt(context, Errand, str(run_id), do)


def events(lines):
    """The events of a stream as (name, id, status); comments and `retry` are passed over."""
    fields = {}
    for line in lines:
        name, _, value = line.partition(": ")
        fields[name] = value
        if not line and "event" in fields:
            run = RunOut.model_validate_json(fields["data"])
            yield fields["event"], int(fields["id"]), run.status
            fields = {}


def told(lines):
    """The next event of a stream."""
    return next(events(lines))


@pytest.mark.parametrize(
    ("lines", "seconds"),
    [
        (["wait=20"], 20),
        (["WAIT = 7"], 7),
        (['wait="3"'], 3),
        (["respond-async, wait=10"], 10),
        (["respond-async", "wait=10;foo=bar"], 10),
        (["wait=4, wait=9"], 4),
        (["wait=26"], 25),
        (["wait=999999999"], 25),
        ([], None),
        ([""], None),
        (["wait"], None),
        (["wait=0"], None),
        (["wait=-1"], None),
        (["wait=1.5"], None),
        (["wait=soon"], None),
        (["await=5"], None),
    ],
)
def test_what_is_preferred(lines, seconds):
    assert waiting.wished(lines) == seconds


def test_an_answer_is_held_until_the_run_is_over(service, database):
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(service.call, "POST", ERRANDS, Prefer="wait=25")
        service.await_followers(1)
        ((_, run),) = service.watcher._followed
        carry_out(database, run)
        answer = held.result()
    assert (answer.status_code, answer.json()["status"]) == (202, "succeeded")
    assert answer.headers["location"] == f"{ERRANDS}/{run}"
    assert answer.headers["preference-applied"] == "wait=25"
    shown = service.call("GET", answer.headers["location"])
    assert shown.json() == answer.json()
    assert "preference-applied" not in shown.headers
    service.await_followers(0)


def test_a_run_that_is_over_is_shown_at_once(service, database, errand):
    carry_out(database, errand.id)
    answer = service.call("GET", f"{ERRANDS}/{errand.id}", Prefer="wait=25")
    assert (answer.status_code, answer.json()["status"]) == (200, "succeeded")
    assert answer.headers["preference-applied"] == "wait=25"


def test_after_the_time_the_run_is_shown_as_it_stands(service, errand):
    answer = service.call("GET", f"{ERRANDS}/{errand.id}", Prefer="wait=1")
    assert (answer.status_code, answer.json()["status"]) == (200, "queued")
    assert answer.headers["preference-applied"] == "wait=1"


def test_what_does_not_exist_is_not_waited_for(service):
    assert service.call("GET", f"{ERRANDS}/{uuid4()}", Prefer="wait=25").status_code == 404
    assert service.call("GET", f"{ERRANDS}/{uuid4()}/events").status_code == 404


def test_a_replay_waits_too_and_what_was_stored_stays(service, database):
    key = {"Idempotency-Key": str(uuid4())}
    first = service.call("POST", ERRANDS, **key)
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(service.call, "POST", ERRANDS, Prefer="wait=25", **key)
        service.await_followers(1)
        carry_out(database, first.json()["id"])
        replayed = held.result()
    assert (replayed.status_code, replayed.json()["status"]) == (202, "succeeded")
    assert replayed.headers["idempotency-replayed"] == "true"
    assert replayed.headers["location"] == first.headers["location"]
    stored = service.call("POST", ERRANDS, **key)
    assert stored.content == first.content
    assert stored.json()["status"] == "queued"


def test_a_held_first_answer_is_stored_as_the_run_began(service, database):
    key = {"Idempotency-Key": str(uuid4())}
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(service.call, "POST", ERRANDS, Prefer="wait=25", **key)
        service.await_followers(1)
        ((_, run),) = service.watcher._followed
        carry_out(database, run)
        assert held.result().json()["status"] == "succeeded"
    assert service.call("POST", ERRANDS, **key).json()["status"] == "queued"


def test_each_change_is_an_event_that_holds_the_run(service, database, errand):
    with service.stream(f"{ERRANDS}/{errand.id}/events") as stream:
        assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
        lines = stream.iter_lines()
        assert told(lines) == ("progress", 0, "queued")
        carry_out(database, errand.id)
        rest = list(events(lines))
    assert rest[-1] == ("succeeded", 2, "succeeded")
    assert rest[:-1] in ([], [("progress", 1, "running")])  # changes between two looks are one


def test_a_caller_goes_on_where_it_was_cut_off(service, database, errand):
    path = f"{ERRANDS}/{errand.id}/events"
    with service.stream(path) as stream:
        assert told(stream.iter_lines()) == ("progress", 0, "queued")
    with service.stream(path, **{"Last-Event-ID": "0"}) as stream:
        lines = stream.iter_lines()
        service.await_followers(1)
        carry_out(database, errand.id, steps=3)
        assert told(lines)[1] > 0
    with service.stream(path, **{"Last-Event-ID": "1"}) as stream:
        assert list(events(stream.iter_lines())) == [("succeeded", 5, "succeeded")]
    over = service.call("GET", path, **{"Last-Event-ID": "5"})
    assert (over.status_code, over.content) == (204, b"")


@pytest.mark.parametrize("strange", ["6", "-1", "x", "1" * 10, ""])
def test_an_id_of_another_run_counts_for_nothing(service, errand, strange):
    with service.stream(f"{ERRANDS}/{errand.id}/events", **{"Last-Event-ID": strange}) as stream:
        assert told(stream.iter_lines()) == ("progress", 0, "queued")


def test_a_stream_on_which_nothing_happens_is_kept_alive(service, errand, monkeypatch):
    monkeypatch.setattr(waiting, "KEEP_ALIVE_SECONDS", 0.01)
    with service.stream(f"{ERRANDS}/{errand.id}/events") as stream:
        lines = stream.iter_lines()
        told(lines)
        assert [next(lines) for _ in range(4)] == [": still there", ""] * 2


def test_whoever_leaves_gives_its_place_back(service, errand):
    service.watcher = Watcher(service.app.state.database, most=1)
    path = f"{ERRANDS}/{errand.id}/events"
    for _ in range(2):
        with service.stream(path) as stream:
            lines = stream.iter_lines()  # a stream whose iterator is let go is closed
            assert told(lines) == ("progress", 0, "queued")
            refused = service.call("GET", path)
            assert (refused.status_code, refused.json()["type"]) == (503, "/docs/errors#too-many-waiting")
            assert refused.headers["retry-after"] == "2"
        service.await_followers(0)
        while service.watcher._places == 0:
            time.sleep(0.01)


def test_without_a_place_nothing_is_begun(service, database):
    service.watcher = Watcher(service.app.state.database, most=0)
    before = count(database)
    assert service.call("POST", ERRANDS, Prefer="wait=25").status_code == 503
    assert count(database) == before
    assert service.call("POST", ERRANDS).status_code == 202


def count(database):
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(Errand))


def test_those_who_wait_hold_no_session(service, database, errand):
    path = f"{ERRANDS}/{errand.id}"  # the service has two connections at most
    with ThreadPoolExecutor(40) as pool, contextlib.ExitStack() as streams:
        held = [pool.submit(service.call, "GET", path, Prefer="wait=25") for _ in range(30)]
        lines = [streams.enter_context(service.stream(f"{path}/events")).iter_lines() for _ in range(30)]
        service.await_followers(60)
        assert [service.call("GET", path).status_code for _ in range(20)] == [200] * 20
        assert {told(each) for each in lines} == {("progress", 0, "queued")}
        carry_out(database, errand.id)
        assert {list(events(each))[-1] for each in lines} == {("succeeded", 2, "succeeded")}
        assert {one.result().json()["status"] for one in held} == {"succeeded"}


def test_a_look_that_fails_is_repeated(service, database, errand, monkeypatch):
    failed = threading.Event()
    look = Watcher._changed

    def fail_once(self, known):
        if not failed.is_set():
            failed.set()
            raise RuntimeError("the database is away")
        return look(self, known)

    monkeypatch.setattr(Watcher, "_changed", fail_once)
    with service.stream(f"{ERRANDS}/{errand.id}/events") as stream:
        lines = stream.iter_lines()
        told(lines)
        assert failed.wait(PATIENCE_SECONDS)
        carry_out(database, errand.id)
        assert list(events(lines))[-1] == ("succeeded", 2, "succeeded")


def test_a_process_that_stops_lets_everybody_go(queue, errand):
    path = f"{ERRANDS}/{errand.id}"
    with ThreadPoolExecutor(1) as pool, contextlib.ExitStack() as streams:
        with serving(queue) as service:
            held = pool.submit(service.call, "GET", path, Prefer="wait=25")
            lines = streams.enter_context(service.stream(f"{path}/events")).iter_lines()
            told(lines)
            service.await_followers(2)
        answer = held.result()
        assert (answer.status_code, answer.json()["status"]) == (200, "queued")
        assert list(lines) == []
