"""The job queue as its workers see it: whose a job is, and what an outage of the database does to them.

procrastinate lets whoever knows a job's number put it away. Here a job belongs to the attempt that fetched it, so that
a worker that was given up for dead does not put away the job that another one is carrying out by now: with it would go
the lock that keeps two trainings apart, and the way back to the queue if the other one dies.
"""

import asyncio
import datetime
import logging
from typing import Any, LiteralString

import procrastinate
import psycopg
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager
from procrastinate.utils import utcnow

AGAIN_SECONDS = 1.0
FINISH: LiteralString = """
    SELECT procrastinate_finish_job_v1(mine.id, %(status)s, %(delete_job)s)
    FROM (
        SELECT id FROM procrastinate_jobs
        WHERE id = %(job_id)s AND attempts = %(attempts)s AND status = 'doing' FOR UPDATE
    ) AS mine
"""
RETRY: LiteralString = """
    SELECT procrastinate_retry_job_v2(
        mine.id, %(retry_at)s, %(priority)s::integer, %(queue)s::varchar, %(lock)s::varchar
    )
    FROM (
        SELECT id FROM procrastinate_jobs
        WHERE id = %(job_id)s AND attempts = %(attempts)s AND status = 'doing' FOR UPDATE
    ) AS mine
"""
log = logging.getLogger(__name__)


class Queue(JobManager):
    """Puts a job away for the attempt that fetched it, and for no other; waits until the database takes it.

    `attempts` counts how often a job went back to the queue, so it names the attempt. A job that stayed behind as being
    carried out by a worker that lives would stay so, with its lock, for as long as the worker lives.
    """

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        await self._put_away(FINISH, job, status=status.value, delete_job=delete_job)

    async def retry_job(
        self,
        job: Job,
        retry_at: datetime.datetime | None = None,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        wish = {"retry_at": retry_at or utcnow(), "priority": priority, "queue": queue, "lock": lock}
        await self._put_away(RETRY, job, **wish)

    async def _put_away(self, query: LiteralString, job: Job, **arguments: Any) -> None:
        while True:
            try:
                await self.connector.execute_query_async(query, job_id=job.id, attempts=job.attempts, **arguments)
            except ConnectorException as error:
                if not _is_outage(error):
                    raise
                log.warning("job %s cannot be put away before the database is back", job.id)
                await asyncio.sleep(AGAIN_SECONDS)
            else:
                return


def opened(conninfo: str) -> procrastinate.App:
    """An application on this queue."""
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=conninfo, min_size=1, max_size=4))
    app.job_manager = Queue(app.connector)
    return app


async def stay(app: procrastinate.App, **options: Any) -> None:
    """Run a worker until it is cancelled; one that an outage ended, or that was given up for dead, begins anew."""
    while True:
        try:
            await app.run_worker_async(install_signal_handlers=False, **options)
        except ConnectorException as error:
            if _is_being_cancelled() or not (_is_outage(error) or _is_forgotten(error)):
                raise
        log.warning("the worker lost the database or its place there and begins anew")
        await asyncio.sleep(AGAIN_SECONDS)


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _is_outage(error: ConnectorException) -> bool:
    """No connection, a lost one, or a server that shuts down: what psycopg calls operational."""
    return isinstance(error.__cause__, psycopg.OperationalError)


def _is_forgotten(error: ConnectorException) -> bool:
    """The worker's row is gone: it stood still, and another one that started found it silent."""
    return isinstance(error.__cause__, psycopg.errors.ForeignKeyViolation)
