"""Who is held against the champion, and by which forecasts: of the same origin, and none of them in hindsight."""

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from services.forecast.forecasts import service as forecasts
from services.forecast.forecasts.tables import Forecast
from services.forecast.models import challengers
from services.forecast.models.tables import ModelVersion
from services.forecast.rivals.tables import Kind

SEASONAL_NAIVE = "seasonal_naive"


@dataclass(frozen=True)
class Rival:
    """A challenger by its version, an external forecast by its name, or seasonal naive, the baseline."""

    kind: Kind
    name: str


@dataclass(frozen=True)
class Pair:
    """A champion's forecast and its rival's, the same one for the baseline, which is stored with it."""

    champion: Forecast
    rival: Forecast

    @property
    def origin(self) -> datetime.date:
        assert self.champion.origin is not None  # noqa: S101  it has succeeded
        return self.champion.origin

    def periods(self) -> list[datetime.date]:
        """What both tell and neither knew, one after the other."""
        known = max(self.origin, self.rival.known_until or self.origin)
        theirs = set(self.rival.periods)
        return [period for period in self.champion.periods if period > known and period in theirs]


def rivals(session: Session, area: str) -> list[Rival]:
    """The challenger, seasonal naive, and every name of external forecasts."""
    challenger = challengers.current(session, area)
    named = select(Forecast.name).where(Forecast.area == area, Forecast.source == "external").distinct()
    found = [] if challenger is None else [Rival("challenger", str(challenger))]
    found.append(Rival("baseline", SEASONAL_NAIVE))
    return found + [Rival("external", name) for name in sorted(filter(None, session.scalars(named)))]


def pairs(
    session: Session, champion: ModelVersion, rival: Rival, since: datetime.date = datetime.date.min
) -> list[Pair]:
    """Ascending by origin, from `since` on, the newest of each: of the champion's forecasts those that the rival has.

    A version's forecast of what it was trained on is none.
    """
    from_ = max(since, champion.last_period)
    made = forecasts.regular(champion.area).where(
        Forecast.model_version == champion.version, Forecast.base.is_(None), *_told(from_)
    )
    theirs = _theirs(session, champion.area, rival, from_)
    found: dict[datetime.date, Pair] = {}
    for run in session.scalars(made.order_by(Forecast.created_at, Forecast.id)):
        other = theirs(run)
        if other is not None and run.origin is not None:
            found[run.origin] = Pair(run, other)
    return [found[origin] for origin in sorted(found)]


def _theirs(session: Session, area: str, rival: Rival, since: datetime.date) -> Callable[[Forecast], Forecast | None]:
    """Which of the rival's forecasts stands against one of the champion's."""
    match rival.kind:
        case "baseline":
            return lambda run: run
        case "challenger":
            version = session.get_one(ModelVersion, (area, int(rival.name)))
            mine = forecasts.runs(area, "model").where(
                Forecast.stage == "shadow",
                Forecast.model_version == version.version,
                *_told(max(since, version.last_period)),
            )
            by_base: Mapping[object, Forecast] = {run.base: run for run in session.scalars(mine)}
            return lambda run: by_base.get(run.id)
        case "external":
            mine = forecasts.runs(area, "external", rival.name).where(Forecast.known_until.is_not(None), *_told(since))
            ordered = session.scalars(mine.order_by(Forecast.created_at, Forecast.id))
            by_origin: Mapping[object, Forecast] = {run.origin: run for run in ordered}
            return lambda run: by_origin.get(run.origin)


def _told(since: datetime.date) -> tuple[ColumnElement[bool], ...]:
    return Forecast.status == "succeeded", Forecast.origin >= since
