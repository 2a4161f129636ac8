"""What the worker carries out. pandas, XGBoost and MLflow are imported by the job that needs them, when it runs."""
# ruff: noqa: PLC0415  an idle worker and the API process stay small

import os
from typing import Any
from uuid import UUID

import procrastinate
from procrastinate import JobContext, RetryStrategy
from sqlalchemy.exc import SQLAlchemyError

from services.forecast.forecasts.shadows import SHADOWS
from services.forecast.forecasts.tables import Forecast
from services.forecast.kinds import KINDS
from services.forecast.models.promotions import REGISTRY
from services.forecast.models.tables import TrainingRun
from services.forecast.reviews.filing import REVIEWS
from services.forecast.settings import Settings
from shared import jobs
from shared.db import Database
from shared.errors import Unavailable
from shared.imports import job as imports
from shared.jobs import Work
from shared.relay import Relay

REVIEW_RETRY = RetryStrategy(max_attempts=10, exponential_wait=2, retry_exceptions=[SQLAlchemyError])
FILING_RETRY = RetryStrategy(linear_wait=5, retry_exceptions=[Unavailable])  # however long the planner is away
MIRROR_RETRY = RetryStrategy(max_attempts=10, exponential_wait=2)  # about half an hour
STATEMENT_TIMEOUT_MS = 600_000

tasks = procrastinate.Blueprint()


@tasks.task(name="train", pass_context=True, retry=jobs.RETRY)
def train(context: JobContext, run_id: str) -> None:
    def do(work: Work[TrainingRun]) -> None:
        from services.forecast.models.training import train

        train(work, context.additional_context["settings"])

    jobs.attempt(context, TrainingRun, run_id, do)


@tasks.task(name="forecast", pass_context=True, retry=jobs.RETRY)
def forecast(context: JobContext, run_id: str) -> None:
    def do(work: Work[Forecast]) -> None:
        from services.forecast.forecasts.production import forecast

        forecast(work, context.additional_context["settings"])

    jobs.attempt(context, Forecast, run_id, do)


@tasks.task(name="consensus", pass_context=True, retry=jobs.RETRY)
def consensus(context: JobContext, run_id: str) -> None:
    def do(work: Work[Forecast]) -> None:
        from services.forecast.forecasts.consensus import consensus

        consensus(work)

    jobs.attempt(context, Forecast, run_id, do)


@tasks.task(name="mirror_champion", queue=REGISTRY, pass_context=True, retry=MIRROR_RETRY)
def mirror_champion(context: JobContext, area: str) -> None:
    from services.forecast.models.mirror import mirror

    mirror(context.additional_context["database"], context.additional_context["settings"], area)


@tasks.task(name="review_forecast", queue=REVIEWS, pass_context=True, retry=REVIEW_RETRY)
def review_forecast(context: JobContext, forecast: str) -> None:
    from services.forecast.reviews.reviewing import review

    review(context.additional_context["database"], UUID(forecast))


@tasks.task(name="hold_rivals_against", queue=REVIEWS, pass_context=True, retry=REVIEW_RETRY)
def hold_rivals_against(context: JobContext, forecast: str) -> None:
    from services.forecast.rivals.holding import hold

    hold(context.additional_context["database"], UUID(forecast))


@tasks.task(name="file_recommendations", queue=REVIEWS, pass_context=True, retry=FILING_RETRY)
def file_recommendations(context: JobContext, area: str, body: str) -> None:
    from services.forecast.reviews.filing import file

    file(context.additional_context["database"], context.additional_context["settings"], area, body)


@tasks.periodic(cron="* * * * *")
@tasks.task(name="follow_recommendations", queue=REVIEWS, queueing_lock="follow_recommendations", pass_context=True)
def follow_recommendations(context: JobContext, timestamp: int) -> None:  # noqa: ARG001
    from services.forecast.reviews.following import follow

    follow(context.additional_context["database"], context.additional_context["settings"])


@tasks.periodic(cron="* * * * *")
@tasks.task(name="reconcile_aliases", queue=REGISTRY, queueing_lock="reconcile_aliases", pass_context=True)
def reconcile_aliases(context: JobContext, timestamp: int) -> None:  # noqa: ARG001
    from services.forecast.models import mirror

    database, settings = (context.additional_context[name] for name in ("database", "settings"))
    mirror.mirror_all(database, settings)


@tasks.periodic(cron="*/5 * * * *")
@tasks.task(name="monitor", queue=REVIEWS, queueing_lock="monitor", pass_context=True)
def monitor(context: JobContext, timestamp: int) -> None:  # noqa: ARG001
    from services.forecast.models.learning import learn
    from services.forecast.monitoring.looking import look

    look(context.additional_context["database"])
    learn(context.additional_context["database"])


@tasks.periodic(cron="41 * * * *")
@tasks.task(name="prune_datasets", queue=jobs.UPKEEP, queueing_lock="prune_datasets", pass_context=True)
def prune_datasets(context: JobContext, timestamp: int) -> None:  # noqa: ARG001
    from services.forecast.datasets import retention
    from services.forecast.datasets.blocks import Datasets

    settings: Settings = context.additional_context["settings"]
    datasets = Datasets(settings.datasets)
    retention.prune(context.additional_context["database"], datasets, settings.dataset_retention_days)


def work(settings: Settings) -> None:
    """Run the worker until it is told to stop.

    Threads of XGBoost that wait do so asleep: spinning, they take the processor from those that they wait for as soon
    as anything else runs on the machine (measured with two busy neighbours on two cores: 64 s against 2 s).
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    database = Database(settings.database_url, pool_size=4, statement_timeout_ms=STATEMENT_TIMEOUT_MS)
    context: dict[str, Any] = {"database": database, "settings": settings}
    found = {"forecast": tasks, "imports": imports.tasks(KINDS)}
    relay = Relay(database, "forecast", settings.gateway_url, settings.service_key.get_secret_value())
    jobs.work(found, settings.database_url, settings.lease_seconds, context, relay, beside=(REGISTRY, REVIEWS, SHADOWS))
