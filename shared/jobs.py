"""Long work: the resource is the job.

A run (training run, forecast, plan) is a row with a status; its job is deferred to procrastinate on the same
connection, so that row and job commit together. Each attempt takes a fencing token (`attempt`); every write of the
attempt checks it, so that a worker that was given up for dead cannot write when it returns.
"""

import asyncio
import datetime
import logging
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal, Protocol
from uuid import UUID

import procrastinate
import psycopg
from procrastinate import JobContext, RetryStrategy
from procrastinate.jobs import Status as JobStatus
from procrastinate.schema import SchemaManager
from sqlalchemy import Connection, DateTime, Select, func, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, Session, mapped_column

from shared import idempotency, observe, outbox, queue
from shared.db import Database, psycopg_connection
from shared.errors import Problem, RateLimited, Unavailable, is_outage
from shared.ids import uuid7
from shared.outbox import Happening
from shared.principal import Principal
from shared.schemas import Schema

HEARTBEATS = 6  # within one lease
GRACE_SECONDS = 5
# Queues: a worker that is busy with a training still takes imports in and looks after the dead.
RUNS, IMPORTS, UPKEEP = "default", "imports", "upkeep"
MOST_ATTEMPTS = 5
MOST_OPEN = 200  # runs of one kind in one area
RETRY = RetryStrategy(exponential_wait=2, retry_exceptions=[Unavailable])  # `attempt` ends it: it alone records the end

Status = Literal["queued", "running", "succeeded", "failed", "cancelled"]
OVER: frozenset[Status] = frozenset({"succeeded", "failed", "cancelled"})
log = logging.getLogger(__name__)


class Carrier(Protocol):
    """What a worker does beside its jobs, in a thread, until told to stop."""

    def keep(self, stop: threading.Event) -> None: ...


class Run:
    """Columns of a resource that a job works on; mixed into the service's table.

    `sequence` is raised by whatever changes what the run shows: those who wait compare it with what they have seen.
    """

    __tablename__: Any

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    area: Mapped[str]
    status: Mapped[str] = mapped_column(default="queued")
    sequence: Mapped[int] = mapped_column(default=0)
    progress_done: Mapped[int] = mapped_column(default=0)
    progress_total: Mapped[int] = mapped_column(default=0)
    progress_unit: Mapped[str] = mapped_column(default="steps")
    error: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    attempt: Mapped[int] = mapped_column(default=0)
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    requested_by: Mapped[str]
    request_id: Mapped[str | None]
    created_at: Mapped[datetime.datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    started_at: Mapped[datetime.datetime | None] = mapped_column(DateTime(timezone=True))
    finished_at: Mapped[datetime.datetime | None] = mapped_column(DateTime(timezone=True))


class ProgressOut(Schema):
    done: int
    total: int
    unit: str


class RunOut(Schema):
    """What every run shows of its work."""

    id: UUID
    status: Status
    progress: ProgressOut
    error: dict[str, Any] | None
    requested_by: str
    created_at: datetime.datetime
    started_at: datetime.datetime | None
    finished_at: datetime.datetime | None

    @staticmethod
    def fields(run: Run) -> dict[str, Any]:
        names = ("id", "status", "error", "requested_by", "created_at", "started_at", "finished_at")
        progress = ProgressOut(done=run.progress_done, total=run.progress_total, unit=run.progress_unit)
        return {name: getattr(run, name) for name in names} | {"progress": progress}


class Fenced(Exception):  # noqa: N818
    """Another attempt has taken this run over."""


class WorkerLost(Problem):
    """The run has ended its workers again and again, as one that does not fit into memory does."""

    slug, title = "worker-lost", "Its workers did not survive it"


class TooManyRuns(RateLimited):
    slug, title = "too-many-runs", "Too many runs of the area are open"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, retry_after=10)


class Cancelled(Exception):  # noqa: N818
    """Somebody asked for the run to stop."""


def start(session: Session, run: Run, who: Principal, task: str, *, lock: str | None = None, queue: str = RUNS) -> None:
    """Store a new run and defer its job in the caller's transaction."""
    run.requested_by = who.actor
    run.request_id = observe.request_id()
    priority = _turn(session, type(run), run.area, queue)
    session.add(run)
    session.flush()
    defer(session, task, lock=lock, queue=queue, priority=priority, run_id=str(run.id))


def _turn(session: Session, table: type[Run], area: str, queue: str) -> int:
    """The priority of an area's next run: areas take turns, however many runs one of them has queued.

    Start-time fair queueing (Goyal, Vin, Cheng, 1996) with runs of equal length: a run's start is one after that of the
    area's run before it, or that of the oldest open run where the area has none. The earliest start goes first.
    Raises TooManyRuns.
    """
    query = f"""
        SELECT count(*) FILTER (WHERE run.area = :area),
               coalesce(least(min(job.priority) FILTER (WHERE run.area = :area) - 1, max(job.priority)), 0)
        FROM procrastinate_jobs AS job LEFT JOIN {table.__tablename__} AS run ON run.id = (job.args->>'run_id')::uuid
        WHERE job.status IN ('todo', 'doing') AND job.queue_name = :queue AND job.args ? 'run_id'
    """  # noqa: S608  a table's name
    open_runs, priority = session.execute(text(query), {"area": area, "queue": queue}).one()
    if open_runs >= MOST_OPEN:
        raise TooManyRuns(f"{MOST_OPEN} such runs of the area are queued or under way: wait for some of them.")
    return int(priority)


def defer(
    session: Session, task: str, *, lock: str | None = None, queue: str = RUNS, priority: int = 0, **arguments: str
) -> None:
    """Queue a job in the caller's transaction; jobs with the same `lock` run one after the other."""
    app = procrastinate.App(connector=procrastinate.SyncPsycopgConnector())
    connection = psycopg_connection(session)
    app.configure_task(task, lock=lock, queue=queue, priority=priority, connection=connection).defer(**arguments)


def named[R: Run](session: Session, runs: Select[R], table: type[R], name: UUID | str) -> R | None:
    """The one of `runs` with this id, or, for `latest`, the newest that succeeded."""
    if isinstance(name, UUID):
        return session.scalar(runs.where(table.id == name))
    succeeded = runs.where(table.status == "succeeded")
    return session.scalar(succeeded.order_by(table.created_at.desc(), table.id.desc()).limit(1))


def cancel(session: Session, run: Run) -> None:
    """Ask a run to stop: at once where no worker has it yet, else at its next step. A finished run stays as it is."""
    session.refresh(run, with_for_update=True)
    if run.status == "queued":
        run.status = "cancelled"
        run.sequence += 1
        run.finished_at = func.now()
    elif run.status == "running":
        run.cancel_requested = True


class Work[R: Run]:
    """One attempt at a run, as its job sees it."""

    def __init__(self, database: Database, table: type[R], run: R, stopping: Callable[[], bool]) -> None:
        self.database = database
        self.table = table
        self.run = run
        self._stopping = stopping

    def lock(self, session: Session) -> R:
        """The run, locked for a change until the transaction ends; Fenced where it is no longer ours."""
        row = self.table
        mine = (row.id == self.run.id, row.attempt == self.run.attempt, row.status == "running")
        run = session.scalar(select(row).where(*mine).with_for_update())
        if run is None:
            raise Fenced
        run.sequence += 1
        return run

    @contextmanager
    def step(self) -> Iterator[tuple[Session, R]]:
        """A transaction in which the run is locked and known to be still ours."""
        with self.database.write() as session:
            yield session, self.lock(session)

    def progress(self, done: int, total: int, unit: str) -> None:
        """Show how far the work is; ends the attempt where it was cancelled or the worker is stopping."""
        if self._stopping():
            raise Unavailable("The worker is stopping; another one takes over.")
        with self.step() as (_, run):
            run.progress_done, run.progress_total, run.progress_unit = done, total, unit
            cancelled = run.cancel_requested
        if cancelled:
            raise Cancelled

    def stopped(self) -> bool:
        """Whether somebody cancelled the run or the worker is stopping: for callbacks inside long computations."""
        if self._stopping():
            return True
        with self.database.read() as session:
            asked = select(self.table.cancel_requested).where(self.table.id == self.run.id)
            return bool(session.scalar(asked))

    @contextmanager
    def finish(self) -> Iterator[tuple[Session, R]]:
        """The transaction that holds the run's effect and its success."""
        with self.step() as (session, run):
            yield session, run
            run.progress_done = run.progress_total
            close(run, "succeeded")
            self._note(session, run)

    def give_back(self) -> None:
        """Let the run wait for its next attempt, where a cancellation reaches it at once."""
        with self.step() as (_, run):
            run.status = "queued"

    def end(self, status: Status, error: dict[str, Any] | None = None) -> None:
        with self.step() as (session, run):
            close(run, status, error)
            self._note(session, run)

    def _note(self, session: Session, run: R) -> None:
        """Say in the outbox how the run ended."""
        slug = run.error["type"].rpartition("#")[2] if run.error else None
        facts = {"status": run.status, "requested_by": run.requested_by, "error": slug}
        outbox.note(session, run.area, [Happening(f"{run.__tablename__}.{run.status}", str(run.id), facts)])


def close(run: Run, status: Status, error: dict[str, Any] | None = None) -> None:
    """Say how a run ended; the caller holds it locked."""
    run.status, run.error, run.finished_at = status, error, func.clock_timestamp()


def attempt[R: Run](context: JobContext, table: type[R], run_id: str, do: Callable[[Work[R]], None]) -> None:
    """Carry out one attempt at a run: claim it, do it, and record how it ended.

    `Unavailable` (an upstream or the database away, the worker stopping) goes back to the queue with back-off; on the
    last attempt, and for any other error, the run fails with a problem document. So does one that comes back after
    `MOST_ATTEMPTS`, because its workers died.
    """
    database: Database = context.additional_context["database"]
    with _outage_is_unavailable():
        run = _claim(database, table, UUID(run_id))
    if run is None:
        return
    observe.set_request_id(run.request_id)
    work = Work(database, table, run, context.should_abort)
    try:
        with _outage_is_unavailable():
            _carry_out(work, do, last=context.job.attempts >= MOST_ATTEMPTS - 1)
    except Fenced:
        log.warning("run %s was taken over by another worker", run_id)


def _carry_out[R: Run](work: Work[R], do: Callable[[Work[R]], None], *, last: bool) -> None:
    run = work.run
    try:
        with _outage_is_unavailable():
            do(work) if run.attempt <= MOST_ATTEMPTS else _give_up()
    except Fenced:
        raise
    except Cancelled:
        work.end("cancelled")
    except Unavailable as problem:
        if not last:
            work.give_back()
            raise
        work.end("failed", problem.document(run.request_id))
    except Problem as problem:
        work.end("failed", problem.document(run.request_id))
    except Exception:
        log.exception("run %s failed", run.id)
        work.end("failed", Problem("The error is logged under this run's request id.").document(run.request_id))


def _give_up() -> None:
    raise WorkerLost(f"{MOST_ATTEMPTS} workers were lost or stopped while they carried it out.")


@contextmanager
def _outage_is_unavailable() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        if is_outage(error):
            raise Unavailable("The database could not be reached.") from error
        raise


def _claim[R: Run](database: Database, table: type[R], run_id: UUID) -> R | None:
    with database.write() as session:
        claim = (
            update(table)
            .where(table.id == run_id, table.status.not_in(OVER))
            .values(status="running", sequence=table.sequence + 1, attempt=table.attempt + 1, started_at=func.now())
            .returning(table)
        )
        return session.scalar(claim)


def live_workers(session: Session, lease: float) -> int:
    """How many workers of this service have been heard from within the lease, in seconds."""
    heard = "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - make_interval(secs => :lease)"
    return int(session.execute(text(heard), {"lease": lease}).scalar_one())


def install(connection: Connection) -> None:
    """Create procrastinate's own tables and functions, in a service's first migration."""
    driver: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
    driver.execute(SchemaManager.get_schema())


def work(
    tasks: Mapping[str, procrastinate.Blueprint],
    database_url: str,
    lease: float,
    context: dict[str, Any],
    relay: Carrier,
    beside: Sequence[str] = (),
) -> None:
    """Run a worker until SIGTERM or SIGINT, one run at a time and one import beside it.

    tasks: by the namespace that `start` names.
    beside: further queues, one job of each at a time.
    lease: seconds of silence after which a worker is given up for dead; its run is queued again within 6 s more.
    """
    conninfo = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    app = queue.opened(conninfo)
    for namespace, found in {**tasks, "upkeep": upkeep(lease)}.items():
        app.add_tasks_from(found, namespace=namespace)
    asyncio.run(_run(app, lease, context, relay, (RUNS, IMPORTS, UPKEEP, *beside)))


async def _run(
    app: procrastinate.App, lease: float, context: dict[str, Any], relay: Carrier, queues: Sequence[str]
) -> None:
    stop, over = asyncio.Event(), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with app.open_async(), asyncio.TaskGroup() as group:  # if one fails, the process ends and is missed
        workers = [group.create_task(_worker(app, name, lease, context)) for name in queues]
        carrying = group.create_task(asyncio.to_thread(relay.keep, over))
        await stop.wait()
        over.set()
        for worker in workers:
            worker.cancel()
        await carrying


async def _worker(app: procrastinate.App, name: str, lease: float, context: dict[str, Any]) -> None:
    await queue.stay(
        app,
        queues=[name],
        additional_context=context,
        shutdown_graceful_timeout=GRACE_SECONDS,
        delete_jobs="always" if name == UPKEEP else "successful",
        update_heartbeat_interval=lease / HEARTBEATS,
        stalled_worker_timeout=lease,
    )


def upkeep(lease: float) -> procrastinate.Blueprint:
    """What every worker looks after: jobs of those that fell silent for `lease` seconds, answers kept too long."""
    tasks = procrastinate.Blueprint()

    @tasks.periodic(cron="* * * * * */5")
    @tasks.task(name="take_over", queue=UPKEEP, queueing_lock="take_over", pass_context=True)
    async def take_over(context: JobContext, timestamp: int) -> None:  # noqa: ARG001
        manager = context.app.job_manager
        for job in await manager.get_stalled_jobs(seconds_since_heartbeat=lease):
            log.warning("taking over job %s of a worker that fell silent", job.id)
            if job.queueing_lock is not None:  # it comes round by itself, and may be waiting again by now
                await manager.finish_job(job, JobStatus.ABORTED, delete_job=True)
            else:
                await manager.retry_job(job)

    @tasks.periodic(cron="17 * * * *")
    @tasks.task(name="forget_answers", queue=UPKEEP, queueing_lock="forget_answers", pass_context=True)
    def forget_answers(context: JobContext, timestamp: int) -> None:  # noqa: ARG001
        database: Database = context.additional_context["database"]
        with database.write() as session:
            idempotency.forget(session)

    return tasks
