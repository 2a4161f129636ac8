"""Periods of a planning area: a period is named by its bucket's first date."""

import datetime
from typing import Any

from shared.errors import Unprocessable
from shared.imports.kinds import Finding
from shared.principal import Area, Frequency
from shared.rows import Rows

LONGEST: dict[Frequency, int] = {"D": 1, "W": 7, "M": 31}  # days after which the next period has begun
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


def next_start(area: Area, start: datetime.date) -> datetime.date:
    """The first date of the period after the one that begins on `start`."""
    return start_of(area, start + datetime.timedelta(days=LONGEST[area.frequency]))


def later_start(area: Area, start: datetime.date, count: int) -> datetime.date:
    """The first date of the period that comes `count` periods after the one that begins on `start`."""
    for _ in range(count):
        start = next_start(area, start)
    return start


def previous_start(area: Area, start: datetime.date) -> datetime.date:
    """The first date of the period before the one that begins on `start`."""
    return start_of(area, start - datetime.timedelta(days=1))


def last_over(area: Area) -> datetime.date:
    """The first date of the newest period that has ended in the area's time zone."""
    return previous_start(area, start_of(area, area.today()))


def elapsed(frequency: Frequency, since: datetime.date, until: datetime.date) -> int:
    """How many times the length of a period fits between two dates; a month is one of the calendar's."""
    match frequency:
        case "D":
            return (until - since).days
        case "W":
            return (until - since).days // 7
        case "M":
            return (until.year - since.year) * 12 + until.month - since.month - (until.day < since.day)


def start_of_number(frequency: Frequency, start: datetime.date, number: int) -> str:
    """The first date of a period as `demand.matrix.ordinals` numbers it; weeks begin on the weekday of `start`."""
    epoch = datetime.date(1970, 1, 1)
    match frequency:
        case "D":
            return str(epoch + datetime.timedelta(days=number))
        case "W":
            return str(epoch + datetime.timedelta(days=number * 7 + (start - epoch).days % 7))
        case "M":
            return str(datetime.date(1970 + number // 12, number % 12 + 1, 1))


def require_start(area: Area, day: datetime.date, parameter: str) -> None:
    """422 unless `day` begins a period; `parameter` is the JSON Pointer of the field that holds it."""
    if day != start_of(area, day):
        raise OffCalendar(OFF_CALENDAR, errors=[{"pointer": parameter, "detail": _advice(area, day)}])


def require_parameter(area: Area, day: datetime.date, parameter: str) -> None:
    """422 unless `day`, which came as a query parameter, begins a period."""
    if day != start_of(area, day):
        raise OffCalendar(OFF_CALENDAR, errors=[{"parameter": parameter, "detail": _advice(area, day)}])


def off_calendar(area: Area, rows: Rows[Any]) -> Finding:
    """Rows whose `period` begins no period of the area; tells which date would be right."""
    faults = rows.where("period", lambda day: None if day == start_of(area, day) else _advice(area, day))
    return Finding(faults, OffCalendar, OFF_CALENDAR)


def not_begun(area: Area, rows: Rows[Any]) -> Finding:
    """Rows whose period begins after today in the area's time zone: history cannot lie ahead."""
    today = area.today()
    faults = rows.where("period", lambda day: "has not begun yet" if day > today else None)
    return Finding(faults, FuturePeriod, "Demand is what has happened; nothing was stored.")


def _advice(area: Area, day: datetime.date) -> str:
    return f"begins no period; the period that holds this day begins on {start_of(area, day)}"
