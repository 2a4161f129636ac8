"""What is asked of the process that explains, and what its answer says."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlalchemy.orm import Session, load_only

from services.forecast.datasets import service as datasets
from services.forecast.explanations.exchange import Question, Reasons, Told
from services.forecast.explanations.problems import NotComparable, NothingToExplain
from services.forecast.explanations.process import ExplainingProcess
from services.forecast.explanations.schemas import (
    CauseOut,
    ChangeCauseOut,
    ChangedPeriodOut,
    ChangeOut,
    ExplainedPeriodOut,
    ExplanationOut,
)
from services.forecast.forecasts import service as forecasts
from services.forecast.forecasts.tables import Forecast, ForecastSeries
from services.forecast.models.tables import ModelVersion
from shared.errors import NotFound

type Since = UUID | Literal["previous"]
UPSIDE_LEVEL = 0.9
# A version's report is long.
NEEDED = load_only(ModelVersion.artifact_digest, ModelVersion.frequency, ModelVersion.season_length)


@dataclass(frozen=True)
class Case:
    """What an explanation needs of the database: the forecast, and `other` where it is to be compared with one."""

    run: Forecast
    series: ForecastSeries
    other: Forecast | None
    question: Question


def explain(process: ExplainingProcess, case: Case) -> ExplanationOut:
    """Explain a `case`, with no need of a session. Raises what `ExplainingProcess.ask` does."""
    answer, run, series = process.ask(case.question), case.run, case.series
    return ExplanationOut(
        forecast=run.id,
        item=series.item,
        location=series.location,
        origin=run.origin,
        model_version=run.model_version,
        unexplained=None if answer.told.causes else "no-history",
        periods=list(_periods(run, series, answer.told)),
        change=None if case.other is None else _change(case.other, answer.change),
    )


def case(session: Session, area: str, name: UUID | str, item: str, location: str, since: Since | None) -> Case:
    """A forecast that is ready, of one item-location, and the one `since` which its change is asked for.

    Raises NotReady, NothingToExplain, NotFound, NotComparable, DatasetGone.
    """
    run = forecasts.ready(session, area, name)
    series = session.get(ForecastSeries, (run.id, item, location))
    if series is None:
        raise NotFound(f"The forecast {run.id} has no such item-location.")
    told = _told(session, run, series.mean)
    if since is None:
        return Case(run, series, None, Question(item, location, told, None))
    other = _other(session, run, since)
    earlier = session.get(ForecastSeries, (other.id, item, location))
    before = _told(session, other, [] if earlier is None else earlier.mean)
    _compare(run, other, told, before)
    return Case(run, series, other, Question(item, location, told, None if earlier is None else before))


def _told(session: Session, run: Forecast, mean: list[float]) -> Told:
    """What the forecast was made of. Raises NothingToExplain, DatasetGone."""
    if run.model_version is None:
        raise NothingToExplain("The forecast was made elsewhere: what it rests on is not known here.")
    session.refresh(run, ["profile"])
    if run.profile is None or run.input_digest is None or run.origin is None:
        raise NothingToExplain("The forecast was made by a release that kept less: make a new one, and ask again.")
    datasets.one(session, run.area, run.input_digest)
    version = session.get_one(ModelVersion, (run.area, run.model_version), options=[NEEDED])
    return Told(
        area=run.area,
        version=version.version,
        artifact_digest=version.artifact_digest,
        frequency=version.frequency,
        season_length=version.season_length,
        dataset=run.input_digest,
        origin=run.origin.isoformat(),
        profile=run.profile,
        periods=[period.isoformat() for period in run.periods],
        mean=mean,
        overlays=run.overlays,
    )


def _other(session: Session, run: Forecast, since: Since) -> Forecast:
    """The forecast to compare with: the one that is named, or our models' newest before this one."""
    if isinstance(since, UUID):
        return forecasts.ready(session, run.area, since)
    earlier = forecasts.regular(run.area).where(
        Forecast.status == "succeeded", Forecast.created_at < run.created_at, Forecast.origin <= run.origin
    )
    found = session.scalar(earlier.order_by(Forecast.created_at.desc(), Forecast.id.desc()).limit(1))
    if found is None:
        raise forecasts.NoForecast("There is no forecast of our models before this one to compare it with.")
    return found


def _compare(run: Forecast, other: Forecast, told: Told, before: Told) -> None:
    if (told.frequency, told.season_length) != (before.frequency, before.season_length):
        raise NotComparable("The two forecasts are of different calendars.")
    if other.origin is None or run.origin is None or other.origin > run.origin:
        raise NotComparable("The forecast `since` has a later origin: ask for the change the other way round.")
    if not set(told.periods) & set(before.periods):
        raise NotComparable("The two forecasts have no period in common.")


def _periods(run: Forecast, series: ForecastSeries, reasons: Reasons) -> Iterator[ExplainedPeriodOut]:
    levels = len(run.quantiles)
    place = run.quantiles.index(UPSIDE_LEVEL)
    for step, period in enumerate(run.periods):
        mean, high = series.mean[step], series.quantiles[step * levels + place]
        yield ExplainedPeriodOut(
            period=period,
            mean=mean,
            upside=high / mean if mean > 0 else None,
            base=reasons.start[step] if reasons.causes else None,
            causes=list(_causes(reasons, step)) if reasons.causes else [],
        )


def _causes(reasons: Reasons, step: int) -> Iterator[CauseOut]:
    for cause, units, effect in zip(reasons.causes, reasons.units[step], reasons.logs[step], strict=True):
        yield CauseOut(cause=cause, units=units, effect=math.exp(effect))


def _change(other: Forecast, reasons: Reasons | None) -> ChangeOut:
    """`reasons` are None where the `other` forecast lacks the item-location, and empty where peers lent either one."""
    return ChangeOut(
        since=other.id,
        origin=other.origin,
        model_version=other.model_version,
        unexplained="not-forecast-then" if reasons is None else None if reasons.causes else "no-history",
        periods=[] if reasons is None else list(_changed(reasons)),
    )


def _changed(reasons: Reasons) -> Iterator[ChangedPeriodOut]:
    for step, period in enumerate(reasons.periods):
        causes = zip(reasons.causes, reasons.units[step], strict=True)
        yield ChangedPeriodOut(
            period=period,
            before=reasons.start[step],
            after=reasons.end[step],
            causes=[ChangeCauseOut(cause=cause, units=units) for cause, units in causes],
        )
