import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from services.forecast.models.tables import Promotion, TrainingRun
from shared.jobs import RunOut
from shared.schemas import Note, Schema, Whole

MOST_VERSION = 2**31 - 1
Reason = Annotated[Note, Field(min_length=1)]
Version = Annotated[Whole, Field(ge=1, le=MOST_VERSION)]


class TrainingParameters(Schema):
    """`origins`: how often the backtest trains and compares with what came; `seed`: of everything random."""

    origins: Annotated[Whole, Field(ge=3, le=12)] = 3
    seed: Annotated[Whole, Field(ge=0, le=MOST_VERSION)] = 7


class TrainingRunIn(Schema):
    reason: Reason
    parameters: TrainingParameters = TrainingParameters()


class WarningOut(Schema):
    """What a person should know of a run that succeeded: `code` names it, `count` says how many it concerns."""

    code: str
    detail: str
    count: int


class TrainingRunOut(RunOut):
    """A training run; `model_version` once it succeeded, `input_digest` names the data it learned from."""

    reason: str
    parameters: TrainingParameters
    horizon: int
    input_digest: str | None
    code_version: str | None
    model_version: int | None
    warnings: list[WarningOut]

    @classmethod
    def of(cls, run: TrainingRun) -> "TrainingRunOut":
        names = ("reason", "horizon", "input_digest", "code_version", "model_version", "warnings")
        parameters = TrainingParameters(origins=run.origins, seed=run.seed)
        return cls(**cls.fields(run), **{name: getattr(run, name) for name in names}, parameters=parameters)


class FeatureOut(Schema):
    """An input of the model and the family that explanations count it to."""

    name: str
    family: str


class ModelVersionOut(Schema):
    """A trained model. `metrics` is its backtest: overall, by segment, against seasonal naive, and where it loses."""

    version: int
    training_run: UUID
    trained_at: datetime.datetime
    mlflow_run: str
    frequency: str
    season_length: int
    horizon: int
    seed: int
    last_period: datetime.date
    features: list[FeatureOut]
    metrics: dict[str, Any]
    dataset_digest: str
    artifact_digest: str
    code_version: str


class PromotionIn(Schema):
    version: Version
    reason: Reason


class PromotionOut(Schema):
    """`sequence` is the version of the promotions, which the ETag carries; `mirrored_at`: MLflow's alias followed."""

    sequence: int
    version: int
    previous_version: int | None
    reason: str
    promoted_by: str
    promoted_at: datetime.datetime
    mirrored_at: datetime.datetime | None


class ChampionOut(Schema):
    """The model that forecasts are made with, and the promotion that made it so."""

    model: ModelVersionOut
    promotion: PromotionOut

    @classmethod
    def of(cls, promotion: Promotion, model: Any) -> "ChampionOut":
        return cls(
            model=ModelVersionOut.model_validate(model),
            promotion=PromotionOut.model_validate(promotion),
        )
