"""Periods of a planning area: a period is named by its bucket's first date."""

import datetime
from typing import Any
from zoneinfo import ZoneInfo

from shared.errors import Unprocessable
from shared.imports.kinds import Finding
from shared.principal import Area
from shared.rows import Rows

OFF_CALENDAR = "Some dates begin no period of this area; nothing was stored."


class OffCalendar(Unprocessable):
    slug, title = "off-calendar", "Not the first date of a period"


class FuturePeriod(Unprocessable):
    slug, title = "future-period", "Demand that has not come yet"


def start_of(area: Area, day: datetime.date) -> datetime.date:
    """The first date of the period that holds `day`: the day, its week's first weekday, or its month's first day."""
    match area.frequency:
        case "D":
            return day
        case "W":
            return day - datetime.timedelta(days=(day.isoweekday() - area.week_start) % 7)
        case "M":
            return day.replace(day=1)


def require_start(area: Area, day: datetime.date, parameter: str) -> None:
    """422 unless `day` begins a period; `parameter` is the JSON Pointer of the field that holds it."""
    if day != start_of(area, day):
        raise OffCalendar(OFF_CALENDAR, errors=[{"pointer": parameter, "detail": _advice(area, day)}])


def off_calendar(area: Area, rows: Rows[Any]) -> Finding:
    """Rows whose `period` begins no period of the area; tells which date would be right."""
    faults = rows.where("period", lambda day: None if day == start_of(area, day) else _advice(area, day))
    return Finding(faults, OffCalendar, OFF_CALENDAR)


def not_begun(area: Area, rows: Rows[Any]) -> Finding:
    """Rows whose period begins after today in the area's time zone: history cannot lie ahead."""
    today = datetime.datetime.now(ZoneInfo(area.time_zone)).date()
    faults = rows.where("period", lambda day: "has not begun yet" if day > today else None)
    return Finding(faults, FuturePeriod, "Demand is what has happened; nothing was stored.")


def _advice(area: Area, day: datetime.date) -> str:
    return f"begins no period; the period that holds this day begins on {start_of(area, day)}"
