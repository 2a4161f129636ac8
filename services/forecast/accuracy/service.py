"""How good forecasts were: which of them are measured, within the bounds of one call."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.orm import Session

from services.forecast import periods
from services.forecast.accuracy import chains
from services.forecast.accuracy.schemas import AccuracyOut, By, ValueAddedOut
from services.forecast.demand.service import known_until
from services.forecast.forecasts import service as forecasts
from services.forecast.forecasts.tables import Forecast
from shared.errors import Unprocessable
from shared.principal import Area

MOST_FORECASTS = 100
MOST_CELLS = 1_000_000

_NOTHING = ValueAddedOut(
    measure="wmape", first=None, last=None, first_lag=None, last_lag=None, forecasts=0, left_out=0, items=[]
)


class TooMuch(Unprocessable):
    slug, title = "too-much-to-measure", "More than one call measures"


@dataclass(frozen=True)
class Span:
    """From `first` to `last` period, both included, at one `lag`; open where None."""

    first: datetime.date | None
    last: datetime.date | None
    lag: int | None = None

    def until(self, known: datetime.date) -> "Span":
        """The part of it that is known."""
        return replace(self, last=known if self.last is None else min(self.last, known))

    def of(self, area: Area, run: Forecast) -> list[int]:
        """The places of those of a forecast's periods that lie in it."""
        first, last = self.first or datetime.date.min, self.last or datetime.date.max
        if self.lag is not None:
            told = periods.later_start(area, run.origin or run.periods[0], self.lag)
            first, last = max(first, told), min(last, told)
        return [place for place, period in enumerate(run.periods) if first <= period <= last]


def measure(session: Session, area: Area, by: By, names: Sequence[UUID], span: Span, *, common: bool) -> AccuracyOut:
    """The accuracy of the named forecasts, or of all. Raises NotFound, NotReady, TooMuch."""
    until = known_until(session, area)
    asked = [forecasts.ready(session, area.area, name) for name in dict.fromkeys(names)]
    if until is None:
        return AccuracyOut(by=by, common=common, forecasts=0, items=[], value_added=_NOTHING)
    span = span.until(until)
    runs = [run for run in asked or _all(session, area.area, span, by) if span.of(area, run)]
    _bound(area, runs, span)
    from services.forecast.accuracy import measurement  # noqa: PLC0415  the API process loads the engine when it must

    told = chains.chains(session, area.area, runs)
    rows, added = measurement.measure(session, area, runs, told, span, until, by, common=common)
    return AccuracyOut(by=by, common=common, forecasts=len(runs), items=rows, value_added=added)


def _all(session: Session, area: str, span: Span, by: By) -> list[Forecast]:
    """All forecasts with values in the span, save what-ifs, newest first; one more than may be measured at most.

    Those that people adjusted, and those of challengers, are measured where they are told from others.
    """
    ready = forecasts.runs(area).where(
        Forecast.status == "succeeded", Forecast.overlays == [], Forecast.periods[1] <= span.last
    )
    if by not in {"stage", "forecast"}:
        told = ("champion", "shadow") if by == "model" else ("champion",)
        ready = ready.where(Forecast.stage.in_(told))
    if span.first is not None:
        ready = ready.where(Forecast.periods[func.cardinality(Forecast.periods)] >= span.first)
    newest = ready.order_by(Forecast.created_at.desc(), Forecast.id.desc())
    return list(session.scalars(newest.limit(MOST_FORECASTS + 1)))


def _bound(area: Area, runs: Sequence[Forecast], span: Span) -> None:
    cells = sum(run.series_count * len(span.of(area, run)) for run in runs)
    if len(runs) > MOST_FORECASTS or cells > MOST_CELLS:
        raise TooMuch(
            f"One call measures at most {MOST_FORECASTS} forecasts and {MOST_CELLS} cells (item-locations x periods): "
            "name forecasts with `forecast`, or narrow the periods with `from` and `to`."
        )
