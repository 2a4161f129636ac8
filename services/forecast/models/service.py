"""Training runs: asked for, looked at, stopped."""

from typing import Literal
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from services.forecast.models.schemas import TrainingRunIn
from services.forecast.models.tables import ModelVersion, TrainingRun
from shared import jobs
from shared.errors import NotFound
from shared.principal import Principal

Occasion = Literal["schedule", "actuals", "drift"]
ACTOR = "forecast"


def start(session: Session, who: Principal, wish: TrainingRunIn) -> TrainingRun:
    """Queue a training with the area's present profile. An area trains one model at a time; the others wait."""
    area = who.area
    run = TrainingRun(
        area=area.area,
        reason=wish.reason,
        principal=who.id,
        origins=wish.parameters.origins,
        seed=wish.parameters.seed,
        frequency=area.frequency,
        season_length=area.season_length,
        horizon=area.horizon,
    )
    jobs.start(session, run, who, "forecast:train", lock=f"train {area.area}")
    return run


def again(session: Session, version: ModelVersion, reason: Occasion) -> TrainingRun:
    """Queue a training by the recipe of a version on the demand of today, in nobody's name."""
    recipe = session.get_one(TrainingRun, version.training_run)
    same = ("area", "origins", "seed", "frequency", "season_length", "horizon")
    run = TrainingRun(
        reason=reason, principal=ACTOR, requested_by=ACTOR, **{name: getattr(recipe, name) for name in same}
    )
    session.add(run)
    session.flush()
    jobs.defer(session, "forecast:train", lock=f"train {run.area}", run_id=str(run.id))
    return run


def runs(area: str) -> Select[TrainingRun]:
    return select(TrainingRun).where(TrainingRun.area == area)


def one(session: Session, area: str, run_id: UUID) -> TrainingRun:
    run = session.scalar(runs(area).where(TrainingRun.id == run_id))
    if run is None:
        raise NotFound("There is no such training run in this area.")
    return run


def cancel(session: Session, area: str, run_id: UUID) -> TrainingRun:
    """Stop a run; one that has ended stays as it is."""
    run = one(session, area, run_id)
    jobs.cancel(session, run)
    session.flush()
    return run
