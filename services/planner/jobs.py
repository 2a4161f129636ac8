"""The planner's jobs. Only the worker imports this module: it loads the engine."""

from procrastinate import Blueprint, JobContext

from services.planner.forecast_client import ForecastClient
from services.planner.plans import run as plan_run
from services.planner.plans.tables import Plan
from services.planner.production import service as production
from services.planner.recommendations import calendar
from services.planner.settings import Settings
from services.planner.supply import service as supply
from shared import jobs
from shared.db import Database
from shared.imports import job as imports
from shared.relay import Relay

JOB_STATEMENT_TIMEOUT_MS = 600_000
tasks = Blueprint()


@tasks.task(name="plan", pass_context=True, retry=jobs.RETRY)
def plan(context: JobContext, run_id: str) -> None:
    """Compute one plan and file its recommendations."""
    client: ForecastClient = context.additional_context["forecasts"]
    scheduler: str | None = context.additional_context["scheduler"]
    jobs.attempt(context, Plan, run_id, lambda work: plan_run.carry_out(work, client, scheduler))


@tasks.periodic(cron="* * * * *")
@tasks.task(name="calendar", queue=jobs.UPKEEP, queueing_lock="calendar", pass_context=True)
def keep_calendar(context: JobContext, timestamp: int) -> None:  # noqa: ARG001
    """Let deferred recommendations come back and late ones expire."""
    calendar.keep(context.additional_context["database"])


def run(settings: Settings) -> None:
    """Carry out jobs until stopped."""
    database = Database(settings.database_url, pool_size=4, statement_timeout_ms=JOB_STATEMENT_TIMEOUT_MS)
    context = {
        "database": database,
        "forecasts": ForecastClient(
            settings.gateway_url, settings.service_key.get_secret_value(), settings.upstream_seconds
        ),
        "scheduler": settings.dask_scheduler,
    }
    found = {"planner": tasks, "imports": imports.tasks(supply.KINDS | production.KINDS)}
    relay = Relay(database, "planner", settings.gateway_url, settings.service_key.get_secret_value())
    jobs.work(found, settings.database_url, settings.lease_seconds, context, relay)
