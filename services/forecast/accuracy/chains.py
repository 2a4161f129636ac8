"""The way of a forecast from what is naive to what people agreed on: which stages of which forecasts are compared."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from services.forecast.forecasts import service as forecasts
from services.forecast.forecasts.tables import Forecast, ForecastSeries

STAGES = ("naive", "statistical", "champion", "consensus")


@dataclass(frozen=True)
class Chain:
    """A model's forecast, which has its first stages beside it, and the newest that people made of it, if any."""

    champion: Forecast
    consensus: Forecast | None


@dataclass(frozen=True)
class Chains:
    """Those that are compared, all of the same `stages`, and how many were `left_out` because they lack one."""

    chains: Sequence[Chain]
    left_out: int

    @property
    def stages(self) -> tuple[str, ...]:
        agreed = any(chain.consensus for chain in self.chains)
        return STAGES if agreed else STAGES[:-1]


def chains(session: Session, area: str, runs: Sequence[Forecast]) -> Chains:
    """Of the forecasts measured: each model's own, named or as the base of a consensus.

    Of several consensus forecasts with one base the newest counts, those among `runs` first. If any chain has one,
    those that have none are left out; so are those of an earlier release, which did not keep the first stages.
    """
    names = {run.id: run.base if run.stage == "consensus" else run.id for run in runs if run.source == "model"}
    bases = list(session.scalars(forecasts.regular(area).where(Forecast.id.in_(set(names.values())))))
    told = exists().where(ForecastSeries.forecast_id == Forecast.id, ForecastSeries.naive.is_not(None))
    kept = set(session.scalars(select(Forecast.id).where(Forecast.id.in_([base.id for base in bases]), told)))
    adjusted = forecasts.runs(area).where(
        Forecast.stage == "consensus", Forecast.status == "succeeded", Forecast.base.in_(kept)
    )
    ordered = sorted(session.scalars(adjusted), key=lambda run: (run.id in names, run.created_at, run.id))
    newest = {run.base: run for run in ordered}
    found = [Chain(base, newest.get(base.id)) for base in bases if base.id in kept]
    whole = [chain for chain in found if chain.consensus] or found
    return Chains(sorted(whole, key=lambda chain: chain.champion.id), len(bases) - len(whole))
