"""Challengers that nobody asked for by hand: an area trains them when its schedule, new demand or an alarm says so."""

import datetime
import logging
from collections.abc import Iterator

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from services.forecast import periods
from services.forecast.demand.matrix import ordinals
from services.forecast.models import promotions, rules, service, versions
from services.forecast.models.schemas import TrainingScheduleIn
from services.forecast.models.service import Occasion
from services.forecast.models.tables import ModelVersion, TrainingRun, TrainingSchedule
from services.forecast.monitoring.tables import InputMonitor, Monitor
from shared import jobs
from shared.db import Database

ALONE = text("SELECT pg_advisory_xact_lock(hashtext('learning'), hashtext(:area))")
log = logging.getLogger(__name__)


def learn(database: Database, today: datetime.date | None = None) -> None:
    """Start a training in each area where one is due. Each is a transaction of its own."""
    with database.read() as session:
        areas = session.scalars(select(TrainingSchedule.area)).all()
    for area in areas:
        try:
            with database.write() as session:
                learn_in(session, area, today or datetime.datetime.now(datetime.UTC).date())
        except Exception:
            log.exception("no challenger of %s is trained", area)


def learn_in(session: Session, area: str, today: datetime.date) -> TrainingRun | None:
    """Start a training where one is due, no other is queued or runs, and the last was asked for long enough ago."""
    session.execute(ALONE, {"area": area})
    asked, champion = rules.schedule(session, area), _champion(session, area)
    last = session.scalar(service.runs(area).order_by(TrainingRun.created_at.desc()).limit(1))
    unfinished = session.scalar(service.runs(area).where(TrainingRun.status.not_in(jobs.OVER)).limit(1))
    if champion is None or last is None or unfinished is not None:
        return None
    before = last.created_at.date()
    if today - before < datetime.timedelta(days=asked.distance_days):
        return None
    occasion = next(_due(session, champion, asked, before, today), None)
    return None if occasion is None else service.again(session, champion, occasion)


def wanted(session: Session, area: str, since: datetime.datetime) -> None:
    """Start a training that people asked for, unless one was asked for `since` and may still give a version."""
    session.execute(ALONE, {"area": area})
    champion = _champion(session, area)
    later = service.runs(area).where(TrainingRun.created_at > since, TrainingRun.status.not_in(("failed", "cancelled")))
    if champion is not None and session.scalar(later.limit(1)) is None:
        service.again(session, champion, "drift")


def _champion(session: Session, area: str) -> ModelVersion | None:
    newest = promotions.newest(session, area)
    return None if newest is None else versions.one(session, area, newest.version)


def _due(
    session: Session, champion: ModelVersion, asked: TrainingScheduleIn, before: datetime.date, today: datetime.date
) -> Iterator[Occasion]:
    """What calls for a training, the most telling first."""
    area, frequency = champion.area, champion.frequency
    learned = session.scalars(select(func.max(ModelVersion.last_period)).where(ModelVersion.area == area)).one()
    monitor = session.get(Monitor, (area, str(champion.version)))
    if asked.on_drift and monitor is not None and _drifted(monitor, learned):
        yield "drift"
    inputs = session.get(InputMonitor, area)
    if asked.new_actuals is not None and inputs is not None and inputs.until is not None:
        known, new = ordinals(frequency, [learned, inputs.until]).tolist()
        if new - known >= asked.new_actuals:
            yield "actuals"
    if asked.every_periods is not None and periods.elapsed(frequency, before, today) >= asked.every_periods:
        yield "schedule"


def _drifted(monitor: Monitor, learned: datetime.date) -> bool:
    """Whether decay began, or an alarm asked for a new model, after all that any version has learned from."""
    if monitor.decay is not None and monitor.decay["first"] > str(learned):
        return True
    return any(one["recommends"] == "retrain_model" and one["raised"] > str(learned) for one in monitor.alarms)
