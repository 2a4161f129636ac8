"""The worker's look at each area: has its data changed, has it settled, and what do the monitors say then."""

import datetime
import functools
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.forecast.demand import service as demand
from services.forecast.engine import monitoring
from services.forecast.engine.limits import YEAR
from services.forecast.forecasts.tables import Forecast
from services.forecast.items.tables import Item
from services.forecast.models import promotions
from services.forecast.models.tables import ModelVersion, Promotion
from services.forecast.monitoring import advice, findings, inputs
from services.forecast.monitoring.findings import Starts
from services.forecast.monitoring.judging import judge
from services.forecast.monitoring.tables import InputMonitor, Monitor
from services.forecast.periods import LONGEST, start_of_number
from services.forecast.published import published
from shared import outbox
from shared.db import Database
from shared.outbox import Happening
from shared.principal import Frequency

MOST_RUNS = 200  # of a model, the newest
ALARM = "drift.alarm"
log = logging.getLogger(__name__)
_SEEN = text(
    "SELECT count(*), sum(quantity) FROM demand JOIN series ON series.id = series_id"
    " WHERE area = :area AND period = :period"
)


@dataclass(frozen=True)
class Look:
    """At an area, of whose demand everything is known up to the period `until`."""

    area: str
    frequency: Frequency
    until: datetime.date
    starts: Starts


def look(database: Database, today: datetime.date | None = None) -> None:
    """Look at every area that has a model. Each is a transaction of its own, and none stands in another's way."""
    with database.read() as session:
        areas = session.scalars(select(ModelVersion.area).distinct()).all()
    for area in areas:
        try:
            with database.write() as session:
                look_at(session, area, today or datetime.datetime.now(datetime.UTC).date())
        except Exception:
            log.exception("the monitors of %s wait", area)


def look_at(session: Session, area: str, today: datetime.date) -> bool:
    """Compute an area's monitors where its data has changed since, but not since the last look; True if so."""
    anchor = session.scalars(select(ModelVersion).where(ModelVersion.area == area).limit(1)).one()
    frequency, until = anchor.frequency, _known_until(session, area, anchor.frequency, today)
    if until is None:
        return False
    before = session.get(InputMonitor, area, with_for_update=True)
    seen = _seen(session, area, until)
    if before is None or before.seen != seen:
        session.merge(_looked(before, area, seen))
        return False
    if before.settled:
        return False
    starts = functools.partial(start_of_number, frequency, anchor.last_period)
    champion = promotions.newest(session, area)
    for model, found in _models(session, area, until):
        _judge(session, Look(area, frequency, until, starts), model, found, champion)
    drivers = inputs.drivers(session, area, frequency, until, starts)
    outbox.note(session, area, list(_dead(drivers, before.drivers)))
    before.filed = advice.advise(session, area, ("driver",), advice.of_drivers(drivers), before.filed)
    before.drivers = drivers
    before.silent = inputs.silent(session, area, frequency, until, starts)
    before.until, before.settled, before.computed_at = until, True, datetime.datetime.now(datetime.UTC)
    return True


def _looked(before: InputMonitor | None, area: str, seen: str) -> InputMonitor:
    if before is None:
        return InputMonitor(area=area, seen=seen, settled=False, silent={"count": 0, "items": []}, drivers=[], filed={})
    before.seen, before.settled = seen, False
    return before


def _known_until(session: Session, area: str, frequency: Frequency, today: datetime.date) -> datetime.date | None:
    """The newest period with demand that is over in every time zone, or the one before it."""
    last = demand.last_period(session, area)
    if last is None or last + datetime.timedelta(days=LONGEST[frequency]) < today:
        return last
    return demand.last_period(session, area, last)


def _seen(session: Session, area: str, until: datetime.date) -> str:
    """What tells one state of an area's data from another: the newest period's demand, and the newest forecast."""
    rows, total = session.execute(_SEEN, {"area": area, "period": until}).one()
    newest = session.scalar(select(func.max(Forecast.finished_at)).where(Forecast.area == area))
    return f"{until} {rows} {total!r} {newest}"


def _models(session: Session, area: str, until: datetime.date) -> Iterator[tuple[str, list[Forecast]]]:
    """Each version and external name that told something of a period up to `until`, with its runs, oldest first."""
    told = published(area).where(Forecast.periods[1] <= until)
    by_model: dict[str, list[Forecast]] = {}
    for run in session.scalars(told.order_by(Forecast.created_at.desc())):
        mine = by_model.setdefault(run.name if run.model_version is None else str(run.model_version), [])  # type: ignore[arg-type]
        if len(mine) < MOST_RUNS:
            mine.append(run)
    for model, found in by_model.items():
        yield model, found[::-1]


def _judge(session: Session, look: Look, model: str, found: list[Forecast], champion: Promotion | None) -> None:
    """Judge a model, tell of alarms that are new, and have people asked about those of the champion and of others."""
    told = judge(session, look.frequency, found, look.until)
    if told is None:
        return
    version = found[-1].model_version
    metrics: dict[str, Any] = {} if version is None else session.get_one(ModelVersion, (look.area, version)).metrics
    known = monitoring.completed(monitoring.from_dict(metrics.get("monitoring", {})), YEAR[look.frequency])
    costs = dict(session.execute(select(Item.item, Item.unit_cost).where(Item.area == look.area)).all())
    alarms = findings.alarms(told, known, costs, look.starts, ours=version is not None)
    before = session.get(Monitor, (look.area, model))
    news = findings.raised_after(alarms, before.until if before else None)
    served = version is None or (champion is not None and champion.version == version)
    decay = None if version is None else findings.decay(told, metrics, look.starts)
    asks = (alarms, decay) if served else ([], None)
    standing = advice.of_model(model, version, str(look.until), *asks)
    about = (model, champion.sequence if champion and version is not None else None)
    row = {
        "until": look.until,
        "segments": findings.segments(told, known),
        "alarms": [findings.shown(alarm) for alarm in alarms],
        "decay": decay,
        "filed": advice.advise(session, look.area, about, standing, before.filed if before else {}),
        "computed_at": func.now(),
    }
    new = insert(Monitor).values(area=look.area, model=model, **row)
    session.execute(new.on_conflict_do_update(index_elements=["area", "model"], set_=row))
    told_of = [{"model": model, **findings.shown(alarm)} for alarm in news]
    outbox.note(session, look.area, [Happening(ALARM, f"models/{model}", alarm) for alarm in told_of])


def _dead(now: list[dict[str, Any]], before: list[dict[str, Any]]) -> Iterator[Happening]:
    """Drivers that have died since."""
    known = {one["driver"] for one in before if one["dead_since"] is not None}
    for one in now:
        if one["dead_since"] is not None and one["driver"] not in known:
            yield Happening(ALARM, f"drivers/{one['driver']}", one)
