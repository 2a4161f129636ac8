"""A job belongs to the attempt that fetched it: whoever comes late moves nothing, and an outage loses nothing."""

import asyncio
from types import SimpleNamespace

import procrastinate
import psycopg
import pytest
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Status
from sqlalchemy import create_engine

from shared import jobs, queue


@pytest.fixture(scope="module")
def conninfo(server):
    engine = create_engine(server.url("gateway", "owner"))
    with engine.begin() as connection:
        jobs.install(connection)
    engine.dispose()
    return server.url("gateway").replace("+psycopg", "", 1)


@pytest.fixture
def on_queue(conninfo):
    """Runs a coroutine function with an open application, whose queue holds one job with a lock."""

    def run(do):
        async def opened():
            async with queue.opened(conninfo).open_async() as app:
                await app.connector.execute_query_async("DELETE FROM procrastinate_jobs")
                await app.configure_task("errand", lock="north").defer_async()
                await do(app)

        asyncio.run(opened())

    return run


async def fetch(app):
    worker = await app.job_manager.register_worker()
    return await app.job_manager.fetch_job(queues=None, worker_id=worker)


async def standing(app):
    rows = await app.connector.execute_query_all_async("SELECT status::text, attempts FROM procrastinate_jobs")
    return [(row["status"], row["attempts"]) for row in rows]


def test_who_fetched_a_job_puts_it_away(on_queue):
    async def do(app):
        await app.job_manager.finish_job(await fetch(app), Status.SUCCEEDED, delete_job=True)
        assert await standing(app) == []

    on_queue(do)


def test_a_late_worker_leaves_the_job_to_its_successor(on_queue):
    async def do(app):
        late = await fetch(app)
        await app.job_manager.retry_job(late)
        successor = await fetch(app)
        await app.job_manager.finish_job(late, Status.SUCCEEDED, delete_job=True)
        await app.job_manager.retry_job(late)
        assert await standing(app) == [("doing", 1)]
        await app.job_manager.finish_job(successor, Status.FAILED, delete_job=False)
        assert await standing(app) == [("failed", 2)]

    on_queue(do)


def test_of_two_that_take_a_job_over_one_does(on_queue):
    async def do(app):
        stalled = await fetch(app)
        await asyncio.gather(*(app.job_manager.retry_job(stalled) for _ in range(4)))
        assert await standing(app) == [("todo", 1)]

    on_queue(do)


def test_a_job_is_put_away_once_the_database_is_back(on_queue, monkeypatch):
    monkeypatch.setattr(queue, "AGAIN_SECONDS", 0)

    async def do(app):
        job = await fetch(app)
        real, outages = app.connector.execute_query_async, iter(range(3))

        async def away(*arguments, **named):
            if next(outages, None) is not None:
                raise ConnectorException from psycopg.OperationalError("the connection is lost")
            await real(*arguments, **named)

        monkeypatch.setattr(app.connector, "execute_query_async", away)
        await app.job_manager.finish_job(job, Status.SUCCEEDED, delete_job=True)
        assert await standing(app) == []

    on_queue(do)


def test_a_wrong_statement_is_no_outage(on_queue, monkeypatch):
    monkeypatch.setattr(queue, "FINISH", "SELECT 1/0 WHERE %(job_id)s + %(attempts)s >= 0")

    async def do(app):
        with pytest.raises(ConnectorException):
            await app.job_manager.finish_job(await fetch(app), Status.SUCCEEDED, delete_job=True)

    on_queue(do)


@pytest.fixture
def ended(monkeypatch):
    """How often a worker was begun; each ends as told, the last one stays."""

    def prepare(*ends):
        begun = []

        async def run_worker_async(_, **options):
            begun.append(options)
            end = ends[len(begun) - 1] if len(begun) <= len(ends) else asyncio.Event().wait()
            if isinstance(end, Exception):
                raise end
            if end is not None:
                await end

        monkeypatch.setattr(procrastinate.App, "run_worker_async", run_worker_async)
        monkeypatch.setattr(queue, "AGAIN_SECONDS", 0)
        return begun

    return prepare


def caused_by(cause):
    error = ConnectorException()
    error.__cause__ = cause
    return error


PASSING = [psycopg.OperationalError("the server shuts down"), psycopg.errors.ForeignKeyViolation("no such worker")]


@pytest.mark.parametrize("cause", PASSING, ids=["an outage", "given up for dead"])
def test_a_worker_begins_anew_until_it_is_cancelled(ended, conninfo, cause):
    begun = ended(caused_by(cause), None)

    async def do():
        worker = asyncio.create_task(queue.stay(queue.opened(conninfo), queues=["default"]))
        while len(begun) < 3:  # noqa: ASYNC110  three turns of the loop
            await asyncio.sleep(0)
        worker.cancel()
        with pytest.raises(asyncio.CancelledError):
            await worker

    asyncio.run(do())
    assert begun == [{"install_signal_handlers": False, "queues": ["default"]}] * 3


def test_a_worker_with_a_fault_of_its_own_ends(ended, conninfo):
    ended(caused_by(psycopg.ProgrammingError("no such table")))
    with pytest.raises(ConnectorException):
        asyncio.run(queue.stay(queue.opened(conninfo)))


def test_a_periodic_job_of_a_dead_worker_does_not_keep_runs_from_being_taken_over(on_queue):
    """The next round of the periodic job waits already: there is no place for it to go back to."""

    async def do(app):
        app.add_tasks_from(jobs.upkeep(0.0), namespace="upkeep")
        periodic = app.configure_task("round", queue="aside", queueing_lock="round")
        await periodic.defer_async()
        await asyncio.gather(*[fetch(app) for _ in range(2)])
        await periodic.defer_async()
        await app.tasks["upkeep:take_over"].func(SimpleNamespace(app=app), timestamp=0)
        assert sorted(await standing(app)) == [("todo", 0), ("todo", 1)]  # the next round, and the errand again

    on_queue(do)
