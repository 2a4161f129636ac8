"""A run and its job commit together; an attempt that was taken over cannot write; every end is recorded."""

from types import SimpleNamespace

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from shared import jobs
from shared.errors import Conflict, Unavailable
from tests.unit.shared.errands import Errand
from tests.unit.shared.test_principal import WHO


@pytest.fixture
def errand(database):
    with database.write() as session:
        run = Errand(area="north")
        jobs.start(session, run, WHO, "test:errand", lock="errand:north")
    return run


def read(database, run):
    with database.read() as session:
        return session.get_one(Errand, run.id)


def attempt(database, run, do, *, attempts=0, stopping=False):
    context = SimpleNamespace(
        additional_context={"database": database},
        job=SimpleNamespace(attempts=attempts),
        should_abort=lambda: stopping,
    )
    jobs.attempt(context, Errand, str(run.id), do)
    return read(database, run)


def deferred(database, run):
    with database.read() as session:
        query = text("SELECT task_name, lock FROM procrastinate_jobs WHERE args->>'run_id' = :id")
        return session.execute(query, {"id": str(run.id)}).all()


def finish(work):
    with work.finish() as (_, run):
        run.result = "done"


def test_a_run_and_its_job_commit_together(database, errand):
    assert deferred(database, errand) == [("test:errand", "errand:north")]
    assert (read(database, errand).status, read(database, errand).requested_by) == ("queued", "person-7")


def test_neither_is_stored_when_the_request_fails(database):
    run = Errand(area="north")
    with pytest.raises(ZeroDivisionError), database.write() as session:
        jobs.start(session, run, WHO, "test:errand")
        raise ZeroDivisionError
    assert deferred(database, run) == []


def test_the_effect_and_the_success_commit_together(database, errand):
    run = attempt(database, errand, finish)
    assert (run.status, run.result, run.attempt) == ("succeeded", "done", 1)
    assert run.started_at is not None
    assert run.finished_at >= run.started_at


def test_a_finished_run_is_not_done_again(database, errand):
    attempt(database, errand, finish)
    assert attempt(database, errand, lambda _: pytest.fail("done twice")).attempt == 1


def test_a_problem_ends_the_run_with_its_document(database, errand):
    def do(_):
        raise Conflict("no stock")

    run = attempt(database, errand, do)
    assert (run.status, run.error["status"], run.error["detail"]) == ("failed", 409, "no stock")


def test_an_unforeseen_error_ends_the_run_and_tells_nothing(database, errand):
    def do(_):
        raise RuntimeError("password=hunter2")

    run = attempt(database, errand, do)
    assert (run.status, run.error["type"]) == ("failed", "/docs/errors#internal")
    assert "hunter2" not in str(run.error)


def test_an_outage_is_tried_again_and_fails_at_the_last_attempt(database, errand):
    def do(_):
        raise Unavailable("the gateway is away")

    with pytest.raises(Unavailable):
        attempt(database, errand, do)
    assert read(database, errand).status == "queued"
    run = attempt(database, errand, do, attempts=jobs.MOST_ATTEMPTS - 1)
    assert (run.status, run.error["retryable"], run.attempt) == ("failed", True, 2)


def test_a_lost_database_is_an_outage_and_a_wrong_statement_is_not(database, errand):
    def lose(_):
        raise OperationalError("SELECT 1", {}, psycopg.OperationalError("connection lost"))

    def err(work):
        with work.step() as (session, _):
            session.execute(text("SELECT 1/0"))

    with pytest.raises(Unavailable):
        attempt(database, errand, lose)
    assert attempt(database, errand, err).error["type"] == "/docs/errors#internal"


def test_an_outage_while_the_end_is_recorded_is_tried_again(database, errand, monkeypatch):
    def lose(*_):
        raise OperationalError("UPDATE", {}, psycopg.OperationalError("connection lost"))

    def do(_):
        monkeypatch.setattr(jobs.Work, "end", lose)
        raise Conflict("no stock")

    with pytest.raises(Unavailable):
        attempt(database, errand, do)


def test_a_late_worker_that_fails_leaves_the_run_to_its_successor(database, errand):
    def late(_):
        attempt(database, errand, finish)
        raise Conflict("too late")

    run = attempt(database, errand, late)
    assert (run.status, run.error) == ("succeeded", None)


def test_every_change_that_is_shown_raises_the_sequence(database, errand):
    seen = [errand.sequence]

    def do(work):
        seen.append(read(database, errand).sequence)
        work.progress(1, 2, "steps")
        seen.append(read(database, errand).sequence)
        finish(work)

    seen.append(attempt(database, errand, do).sequence)
    assert seen == [0, 1, 2, 3]
    with database.write() as session:
        jobs.cancel(session, session.get_one(Errand, errand.id))
    assert read(database, errand).sequence == 3


def test_a_run_whose_workers_die_ends_some_day(database, errand):
    class Killed(BaseException):
        pass

    def die(_):
        raise Killed

    for _ in range(jobs.MOST_ATTEMPTS):
        with pytest.raises(Killed):
            attempt(database, errand, die)
    run = attempt(database, errand, lambda _: pytest.fail("killed a sixth worker"))
    assert (run.status, run.error["type"]) == ("failed", "/docs/errors#worker-lost")


def test_progress_is_shown_while_the_work_goes_on(database, errand):
    def do(work):
        work.progress(3, 10, "series")
        shown = read(database, errand)
        assert (shown.status, shown.progress_done, shown.progress_total, shown.progress_unit) == (
            "running",
            3,
            10,
            "series",
        )
        finish(work)

    assert attempt(database, errand, do).status == "succeeded"


def test_an_attempt_that_was_taken_over_cannot_write(database, errand):
    def late(work):
        attempt(database, errand, finish)
        with work.finish() as (_, run):
            run.result = "written by the dead"

    run = attempt(database, errand, late)
    assert (run.result, run.status, run.attempt) == ("done", "succeeded", 2)


def test_a_queued_run_is_cancelled_at_once(database, errand):
    with database.write() as session:
        jobs.cancel(session, session.get_one(Errand, errand.id))
    assert (read(database, errand).status, read(database, errand).sequence) == ("cancelled", 1)
    assert attempt(database, errand, lambda _: pytest.fail("ran though cancelled")).attempt == 0


def test_a_running_one_stops_at_its_next_step(database, errand):
    def do(work):
        with database.write() as session:
            jobs.cancel(session, session.get_one(Errand, errand.id))
        assert work.stopped()
        work.progress(1, 2, "steps")
        pytest.fail("went on though cancelled")

    assert attempt(database, errand, do).status == "cancelled"


def test_a_stopping_worker_gives_its_run_back(database, errand):
    def do(work):
        work.progress(1, 2, "steps")

    with pytest.raises(Unavailable):
        attempt(database, errand, do, stopping=True)
    assert attempt(database, errand, finish, attempts=1).status == "succeeded"


def test_a_run_that_waits_for_its_next_attempt_is_cancelled_at_once(database, errand):
    def do(_):
        raise Unavailable("the gateway is away")

    with pytest.raises(Unavailable):
        attempt(database, errand, do)
    with database.write() as session:
        jobs.cancel(session, session.get_one(Errand, errand.id))
    assert read(database, errand).status == "cancelled"
    assert attempt(database, errand, lambda _: pytest.fail("ran though cancelled"), attempts=1).attempt == 1


def test_an_outage_after_the_last_attempt_still_brings_the_job_back(database, errand):
    """Who has not recorded the end must come again, or the run would stand as running for ever."""
    job = SimpleNamespace(attempts=jobs.MOST_ATTEMPTS)
    assert jobs.RETRY.get_retry_decision(exception=Unavailable("the database is away"), job=job) is not None
    assert jobs.RETRY.get_retry_decision(exception=RuntimeError("a bug"), job=job) is None


def queue_up(database, areas, queue, lock=None):
    for area in areas:
        with database.write() as session:
            jobs.start(session, Errand(area=area), WHO, "test:errand", queue=queue, lock=lock)


def fetch(database, queue, most):
    """The areas of the next jobs, which end at once, as a worker takes them."""
    areas = []
    with database.write() as session:
        worker = session.execute(text("SELECT procrastinate_register_worker_v1()")).scalar_one()
        for _ in range(most):
            fetched = text("SELECT id, args->>'run_id' FROM procrastinate_fetch_job_v2(ARRAY[:queue], :worker)")
            job, run = session.execute(fetched, {"queue": queue, "worker": worker}).one()
            if job is None:
                break
            areas.append(session.get_one(Errand, run).area)
            session.execute(text("SELECT procrastinate_finish_job_v1(:job, 'succeeded', true)"), {"job": job})
    return "".join(areas)


def test_areas_take_turns_however_many_runs_one_of_them_queues(database):
    queue_up(database, "AAAAAA", "turns")
    queue_up(database, "BB", "turns")
    assert fetch(database, "turns", 9) == "ABABAAAA"


def test_an_area_that_was_served_for_long_does_not_wait_for_a_newcomers_flood(database):
    queue_up(database, "AA", "newcomer")
    for _ in range(5):  # A always has a run open
        assert fetch(database, "newcomer", 1) == "A"
        queue_up(database, "A", "newcomer")
    queue_up(database, "BBBBA", "newcomer")
    assert fetch(database, "newcomer", 9) == "ABABBAB"


def test_runs_of_one_area_keep_their_order(database):
    queue_up(database, "AA", "order")
    assert fetch(database, "order", 1) == "A"
    queue_up(database, "A", "order")
    with database.read() as session:
        query = text("SELECT priority FROM procrastinate_jobs WHERE queue_name = 'order' ORDER BY id")
        older, newer = session.scalars(query)
    assert older > newer


def test_the_open_runs_of_an_area_are_bounded(database, monkeypatch):
    monkeypatch.setattr(jobs, "MOST_OPEN", 2)
    queue_up(database, "AAB", "bounded")
    with pytest.raises(jobs.TooManyRuns) as refused:
        queue_up(database, "A", "bounded")
    assert (refused.value.status, refused.value.headers) == (429, {"Retry-After": "10"})
    queue_up(database, "B", "bounded")
    fetch(database, "bounded", 1)
    queue_up(database, "A", "bounded")
