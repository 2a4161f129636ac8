"""Forecasts that were made elsewhere: stored as ours are, so that they are read, planned on and measured alike."""

import datetime
import hashlib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Date, Float, Table, Text, func, select, text
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from services.forecast import periods, provenance, staging
from services.forecast.external import rules
from services.forecast.external.schemas import LEVELS, QUANTILES, ExternalMean
from services.forecast.forecasts.service import runs
from services.forecast.forecasts.tables import Forecast
from services.forecast.items.references import require_known
from shared import observe
from shared.ids import uuid7
from shared.principal import Area, Principal
from shared.tabular import reject_duplicates

COLUMNS: dict[str, TypeEngine[Any]] = {
    "item": Text(),
    "location": Text(),
    "period": Date(),
    "mean": Float(),
    **dict.fromkeys(QUANTILES, Float()),
}
GATHERED = """
    CREATE TEMPORARY TABLE gathered (
        item text, location text, mean float8[], quantiles float8[], dependence float8
    ) ON COMMIT DROP
"""
GATHER = f"""
    INSERT INTO gathered
    SELECT item, location, mean, ARRAY(SELECT unnest(grid)), 0 FROM (
        SELECT item, location, array_agg(mean ORDER BY period) AS mean,
            array_agg(ARRAY[{", ".join(f'"{name}"' for name in QUANTILES)}] ORDER BY period) AS grid
        FROM incoming GROUP BY item, location
    ) AS whole
"""  # noqa: S608  the names are ours
DIGEST = """
    SELECT sha256(string_agg(
        sha256(convert_to(concat_ws(E'\\n', item, location, ''), 'UTF8')
            || array_send(mean) || array_send(quantiles) || float8send(dependence)),
        '' ORDER BY item COLLATE "C", location COLLATE "C"))
    FROM gathered
"""
STORE = """
    INSERT INTO forecast_series (forecast_id, item, location, mean, quantiles, dependence)
    SELECT :forecast, item, location, mean, quantiles, dependence FROM gathered
"""


def put(
    session: Session, who: Principal, name: str, origin: datetime.date | None, rows: Sequence[ExternalMean]
) -> tuple[Forecast, bool]:
    """Store a forecast, all rows or none; the forecast, and whether it already stood as it came in.

    rows: of ExternalValueIn. Raises OffCalendar, UnknownReference, the problems of `rules`, and Unprocessable for
    duplicate keys.
    """
    area = who.area
    reject_duplicates(rows, lambda row: (row.item, row.location, row.period))
    periods.require_starts(area, rows)
    incoming = staging.stage(session, COLUMNS, rows)
    require_known(session, area.area, incoming)
    covered = rules.horizon(session, area, incoming)
    known = rules.origin(area, origin, covered[0])
    run = Forecast(
        id=uuid7(),
        area=area.area,
        source="external",
        name=name,
        status="succeeded",
        origin=known,
        horizon=len(covered),
        seed=0,
        periods=covered,
        quantiles=list(LEVELS),
        requested_by=who.actor,
        request_id=observe.request_id(),
        code_version=provenance.code_version(),
    )
    run.warnings = _gather(session, area, incoming, known)
    run.output_digest = _digest(session, covered)
    return _store(session, run)


def _gather(session: Session, area: Area, incoming: Table, origin: datetime.date) -> list[dict[str, Any]]:
    """One row per item-location in the table `gathered`, its quantiles as they came or derived; warnings on those."""
    session.execute(text(GATHERED))
    if rules.has_quantiles(session, incoming):
        session.execute(text(GATHER))
        return []
    from services.forecast.external import derivation  # noqa: PLC0415  the API process loads the engine when it must

    return derivation.derive(session, area, origin)


def _digest(session: Session, covered: list[datetime.date]) -> str:
    """SHA-256 over periods, codes and numbers: equal digests are equal forecasts."""
    values: bytes = session.execute(text(DIGEST)).scalar_one()
    dates = "".join(f"{period}\n" for period in covered)
    return hashlib.sha256(dates.encode() + values).hexdigest()


def _store(session: Session, run: Forecast) -> tuple[Forecast, bool]:
    """Store what was gathered, unless the newest forecast of its name and origin is the same."""
    lock = f"external forecast {run.area} {run.name}"
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(lock, 0))))
    before = runs(run.area, "external", run.name).where(Forecast.origin == run.origin)
    newest = session.scalar(before.order_by(Forecast.created_at.desc(), Forecast.id.desc()).limit(1))
    if newest is not None and newest.output_digest == run.output_digest:
        return newest, True
    run.started_at = run.finished_at = func.now()
    session.add(run)
    session.flush()
    stored: Any = session.execute(text(STORE), {"forecast": run.id})
    run.series_count = stored.rowcount
    session.flush()
    session.refresh(run)
    return run, False
