"""Forecast runs: asked for, looked at, stopped."""

from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, undefer

from services.forecast import periods
from services.forecast.adjustments import service as adjustments
from services.forecast.datasets import service as datasets
from services.forecast.forecasts.schemas import ForecastIn
from services.forecast.forecasts.tables import Forecast, Source
from services.forecast.models import promotions, versions
from services.forecast.models.tables import ModelVersion
from services.forecast.overlays import rules
from shared import jobs
from shared.errors import Conflict, NotFound, Unprocessable
from shared.principal import Area, Principal


class NoForecast(NotFound):
    slug, title = "no-forecast", "No forecast"


class HorizonTooLong(Unprocessable):
    slug, title = "horizon-too-long", "Beyond the model's horizon"


class BaseUnusable(Unprocessable):
    slug, title = "base-unusable", "No forecast to depart from"


class NoExternalForecast(Unprocessable):
    slug, title = "no-external-forecast", "No such external forecast"


class NotReady(Conflict):
    slug, title = "forecast-not-ready", "The forecast has no values"


def start(session: Session, who: Principal, wish: ForecastIn) -> Forecast:
    """Queue a forecast; the word `champion` becomes a version here. Raises ChampionNeeded, UnknownVersion, OffCalendar.

    HorizonTooLong where the model was trained for fewer periods than asked, BaseUnusable, DatasetGone, and what
    `rules.check` raises.
    """
    if wish.consensus:
        return _consensus(session, who, wish)
    run = _plain(session, who.area, wish) if wish.base is None else _upon(session, who.area.area, wish.base)
    model = session.get_one(ModelVersion, (run.area, run.model_version))
    rules.check(session, who.area, model, wish.overlays)
    run.overlays = [overlay.model_dump(mode="json", exclude_none=True) for overlay in wish.overlays]
    jobs.start(session, run, who, "forecast:forecast")
    return run


def _plain(session: Session, area: Area, wish: ForecastIn) -> Forecast:
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
    return Forecast(
        area=area.area,
        model_version=model.version,
        origin=wish.origin,
        horizon=horizon,
        seed=model.seed,
        explain=wish.explain,
    )


def _upon(session: Session, area: str, name: UUID) -> Forecast:
    """A forecast with the data, model, origin and horizon of another one."""
    base = session.scalar(regular(area).where(Forecast.id == name).options(undefer(Forecast.profile)))
    if base is None or base.profile is None or base.input_digest is None:
        raise BaseUnusable(
            "A what-if departs from a forecast of our models that has succeeded and has no overlays of its own, and "
            "was not made by a release that kept less.",
            errors=[{"pointer": "#/base", "detail": "is no such forecast of this area"}],
        )
    datasets.one(session, area, base.input_digest)
    same = ("area", "model_version", "origin", "horizon", "seed", "input_digest")
    return Forecast(base=base.id, **{name: getattr(base, name) for name in same})


def _consensus(session: Session, who: Principal, wish: ForecastIn) -> Forecast:
    """Queue a forecast with the external ones that are asked for, and all adjustments that hold today."""
    area = who.area
    base = one(session, area.area, "latest") if wish.base is None else _base(session, area.area, wish.base)
    taken = [{"name": name, "forecast": str(_source(session, base, name).id)} for name in dict.fromkeys(wish.external)]
    held = [
        {"id": str(each.id), "sequence": each.sequence, "author": each.author, "reason_code": each.reason_code}
        for each in session.scalars(adjustments.holding(area.area, area.today()))
    ]
    same = ("area", "model_version", "origin", "horizon", "seed", "input_digest")
    facts = {name: getattr(base, name) for name in same}
    run = Forecast(base=base.id, stage="consensus", adjustments=held, sources=taken, **facts)
    jobs.start(session, run, who, "forecast:consensus")
    return run


def _source(session: Session, base: Forecast, name: str) -> Forecast:
    """The newest external forecast of this name that tells of a period of the base; NoExternalForecast."""
    told = runs(base.area, "external", name).where(Forecast.periods.overlap(base.periods))
    found = session.scalar(told.order_by(Forecast.created_at.desc(), Forecast.id.desc()).limit(1))
    if found is None:
        errors = [{"pointer": "#/external", "detail": f"{name} has no forecast of these periods"}]
        raise NoExternalForecast("POST external-forecasts stores one.", errors=errors)
    return found


def _base(session: Session, area: str, name: UUID) -> Forecast:
    base = session.scalar(regular(area).where(Forecast.id == name, Forecast.status == "succeeded"))
    if base is None:
        raise BaseUnusable(
            "A consensus forecast departs from a forecast of our models that has succeeded and has no overlays.",
            errors=[{"pointer": "#/base", "detail": "is no such forecast of this area"}],
        )
    return base


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


def regular(area: str) -> Select[Forecast]:
    """The forecasts that our models made of an area's data as it stood: no what-ifs, nobody's adjustments."""
    return runs(area, "model").where(Forecast.overlays == [], Forecast.stage == "champion")


def one(session: Session, area: str, name: UUID | str) -> Forecast:
    """A run by its id, `latest`: our models' newest that succeeded, or `consensus`, the newest adjusted one.

    NoForecast where there is none. A forecast from elsewhere or a what-if is planned on only by those who ask for it by
    its id.
    """
    words = {"latest": regular(area), "consensus": runs(area).where(Forecast.stage == "consensus")}
    run = jobs.named(session, runs(area) if isinstance(name, UUID) else words[name], Forecast, name)
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
