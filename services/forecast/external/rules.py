"""What the rows of an external forecast must be, beyond each by itself."""

import datetime
import itertools
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
from sqlalchemy.orm import Session

from services.forecast import numbering, periods
from services.forecast.external.schemas import QUANTILES, ExternalMean
from services.forecast.items import references
from shared.errors import Unprocessable
from shared.imports.kinds import Call, Finding, duplicates
from shared.parse import Fault
from shared.principal import Area
from shared.rows import Rows
from shared.schemas import FIRST_YEAR

MOST_PERIODS = 1000
UNEVEN = "Every item-location needs the same periods, without a gap; nothing was stored."


class UnevenPeriods(Unprocessable):
    slug, title = "uneven-periods", "Not the same periods for all, one after the other"


class MissingQuantiles(Unprocessable):
    slug, title = "missing-quantiles", "Some quantiles are missing"


class CrossingQuantiles(Unprocessable):
    slug, title = "crossing-quantiles", "Quantiles do not ascend"


class OriginTooLate(Unprocessable):
    slug, title = "origin-not-before", "The origin is not before the first period"


def check(session: Session, call: Call, rows: Rows[ExternalMean]) -> Iterator[Finding]:
    """Duplicate keys, OffCalendar, UnknownReference, MissingQuantiles, CrossingQuantiles, UnevenPeriods.

    Each rule looks at the rows that the ones before it let pass, so that whoever skips bad rows is left with
    item-locations that have all periods. OffCalendar and UnevenPeriods are raised where they are about the whole.
    """
    area = call.who.area
    asked_origin(call)
    rules: tuple[Callable[[Rows[ExternalMean]], Finding], ...] = (
        lambda sound: duplicates(sound, "item", "location", "period"),
        lambda sound: periods.off_calendar(area, sound),
        lambda sound: references.unknown(session, area.area, sound),
        _missing,
        _crossing,
        lambda sound: _uneven(area, sound),
    )
    for rule in rules:
        finding = rule(rows)
        yield finding
        rows = rows.without(finding.faults) if finding.faults else rows


def quantiles(rows: Rows[ExternalMean]) -> npt.NDArray[np.float64]:
    """[n, K] as they came in; NaN where there is none."""
    return np.column_stack([rows.floats(name) for name in QUANTILES])


def asked_origin(call: Call) -> datetime.date | None:
    """The origin that the call names. OffCalendar where it begins no period."""
    if "origin" not in call.parameters:
        return None
    origin = datetime.date.fromisoformat(call.parameters["origin"])
    periods.require_parameter(call.who.area, origin, "origin")
    return origin


def origin(call: Call, first: datetime.date) -> datetime.date:
    """The origin that the call names, else the period before the `first`. OffCalendar, OriginTooLate."""
    asked = asked_origin(call)
    if asked is None:
        before = periods.previous_start(call.who.area, first)
        if before.year < FIRST_YEAR:
            errors = [{"parameter": "origin", "detail": f"would be {before}, before the year {FIRST_YEAR}"}]
            raise OriginTooLate("The forecast begins with the first period that there is.", errors=errors)
        return before
    if asked >= first:
        errors = [{"parameter": "origin", "detail": f"must be before {first}"}]
        raise OriginTooLate("A forecast begins after its origin, the last period that was known.", errors=errors)
    return asked


def _missing(rows: Rows[ExternalMean]) -> Finding:
    absent = np.isnan(quantiles(rows))
    faults = [] if absent.all() else _first(rows, absent, "is missing where others are given")
    return Finding(faults, MissingQuantiles, "Send all quantiles in all rows, or none; nothing was stored.")


def _crossing(rows: Rows[ExternalMean]) -> Finding:
    falls = np.diff(quantiles(rows), prepend=-np.inf) < 0
    faults = _first(rows, falls, "is below the one before it")
    return Finding(faults, CrossingQuantiles, "Quantiles must not fall from one level to the next; nothing was stored.")


def _first(rows: Rows[ExternalMean], wrong: npt.NDArray[np.bool_], detail: str) -> list[Fault]:
    """A fault for each row that has a `wrong` [n, K] quantile, at the first of them."""
    bad = wrong.any(axis=1)
    places = zip(rows.numbers[bad].tolist(), wrong[bad].argmax(axis=1).tolist(), strict=True)
    return [Fault(row, QUANTILES[place], detail) for row, place in places]


def _uneven(area: Area, rows: Rows[ExternalMean]) -> Finding:
    """The rows of item-locations that lack a period. Raises UnevenPeriods where all of them do."""
    found = _without_gaps(area, rows)
    _, place = numbering.item_locations(rows)
    short = np.bincount(place)[place] < found
    detail = f"this item-location does not have all of the {found} periods"
    return Finding([Fault(row, None, detail) for row in rows.numbers[short].tolist()], UnevenPeriods, UNEVEN)


def _without_gaps(area: Area, rows: Rows[ExternalMean]) -> int:
    """How many periods there are."""
    period = rows.codes("period")
    starts = sorted(period.values[place] for place in np.unique(period.ids))
    if len(starts) > MOST_PERIODS:
        raise UnevenPeriods(f"A forecast may cover at most {MOST_PERIODS} periods.")
    gaps = {after for before, after in itertools.pairwise(starts) if after != periods.next_start(area, before)}
    faults = rows.where("period", lambda day: "the period before this one is missing" if day in gaps else None)
    if faults:
        raise UnevenPeriods(UNEVEN, errors=[fault.error() for fault in faults])
    return len(starts)
