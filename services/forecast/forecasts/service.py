"""Forecast runs: asked for, looked at, stopped."""

from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from services.forecast import periods
from services.forecast.forecasts.schemas import ForecastIn
from services.forecast.forecasts.tables import Forecast, Source
from services.forecast.models import promotions, versions
from services.forecast.models.tables import ModelVersion
from shared import jobs
from shared.errors import Conflict, NotFound, Unprocessable
from shared.principal import Principal


class NoForecast(NotFound):
    slug, title = "no-forecast", "No forecast"


class HorizonTooLong(Unprocessable):
    slug, title = "horizon-too-long", "Beyond the model's horizon"


class NotReady(Conflict):
    slug, title = "forecast-not-ready", "The forecast has no values"


def start(session: Session, who: Principal, wish: ForecastIn) -> Forecast:
    """Queue a forecast; the word `champion` becomes a version here. Raises ChampionNeeded, UnknownVersion, OffCalendar.

    HorizonTooLong where the model was trained for fewer periods than asked.
    """
    area = who.area
    if wish.origin is not None:
        periods.require_start(area, wish.origin, "#/origin")
    model = _model(session, area.area, wish.model)
    horizon = wish.horizon or area.horizon
    if horizon > model.horizon:
        raise HorizonTooLong(
            f"Version {model.version} was trained for {model.horizon} periods, {horizon} are asked for: "
            "ask for fewer, or train a model under the area's present horizon.",
            errors=[{"pointer": "#/horizon", "detail": f"must be at most {model.horizon}"}],
        )
    run = Forecast(area=area.area, model_version=model.version, origin=wish.origin, horizon=horizon, seed=model.seed)
    jobs.start(session, run, who, "forecast:forecast")
    return run


def _model(session: Session, area: str, wish: str | int) -> ModelVersion:
    if isinstance(wish, int):
        return versions.named(session, area, wish, "#/model")
    try:
        return promotions.champion(session, area)[1]
    except promotions.NoChampion as problem:
        raise promotions.ChampionNeeded(problem.detail) from None


def runs(area: str, source: Source | None = None, name: str | None = None) -> Select[Forecast]:
    """The forecasts of an area, those of one source or name where given."""
    found = select(Forecast).where(Forecast.area == area)
    if source is not None:
        found = found.where(Forecast.source == source)
    return found if name is None else found.where(Forecast.name == name)


def one(session: Session, area: str, name: UUID | str) -> Forecast:
    """A run by its id, or `latest`: our models' newest that succeeded. NoForecast where there is none.

    A forecast from elsewhere is planned on only by those who ask for it by its id.
    """
    run = jobs.named(session, runs(area, None if isinstance(name, UUID) else "model"), Forecast, name)
    if run is not None:
        return run
    if isinstance(name, UUID):
        raise NotFound("There is no such forecast in this area.")
    raise NoForecast("This area has no forecast yet: POST forecasts makes one.")


def ready(session: Session, area: str, name: UUID | str) -> Forecast:
    """A run that has values; NotReady tells the status of one that has none."""
    run = one(session, area, name)
    if run.status != "succeeded":
        raise NotReady(f"The forecast is {run.status}; only one that succeeded has values.")
    return run


def accuracy(session: Session, run: Forecast) -> dict[str, Any]:
    """The backtest of the run's model over all item-locations; nothing of a forecast that came from elsewhere."""
    if run.model_version is None:
        return {}
    model = session.get_one(ModelVersion, (run.area, run.model_version))
    return {name: model.metrics[name] for name in ("overall", "improvement") if name in model.metrics}


def cancel(session: Session, area: str, run_id: UUID) -> Forecast:
    """Stop a run; one that has ended stays as it is."""
    run = one(session, area, run_id)
    jobs.cancel(session, run)
    session.flush()
    return run
