import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from services.forecast.models.tables import ApprovalAction, Challenger, Promotion, PromotionAction, TrainingRun
from shared.jobs import RunOut
from shared.schemas import Flag, Key, Note, Number, Positive, Schema, Whole

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


class GateOut(Schema):
    """A condition of promotion: `value` with its 90 % interval, where it has one, beside the area's `bound`."""

    gate: str
    passed: bool
    detail: str
    value: float | None
    low: float | None
    high: float | None
    bound: float | None


class ModelVersionOut(Schema):
    """A trained model. `metrics` is its backtest: overall, by segment and fold, and against seasonal naive.

    `gates` were judged when it was trained, against the champion of that time; null where an older release trained it.
    """

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
    gates: list[GateOut] | None
    judged_against: int | None


class ModelCardOut(Schema):
    """What a version is, as MLflow shows it in `card.json` and `card.md`."""

    intended_use: str
    data: dict[str, Any]
    profile: dict[str, Any]
    features: list[str]
    metrics: dict[str, Any]
    calibration: dict[str, Any]
    limits: list[str]
    lineage: dict[str, Any]


class PromotionRulesIn(Schema):
    """What a version must show before it may become champion.

    least_improvement: the 90 % interval of the share of the champion's loss that it saves must lie above; below 0 it
    may be that much worse. most_bias: share of demand. coverage_within: distance of the 80 % intervals' coverage from
    0.8. segment_worse_by: share of the champion's loss, of each demand class with at least segment_share of demand.
    forecast_seconds: of a forecast of all item-locations. largest_mib: of its files. oldest_data_days: of its newest
    period. approval_required: somebody else than its trainer must have approved it.
    """

    approval_required: Flag = False
    least_improvement: Annotated[Number, Field(ge=-1, lt=1)] = 0.0
    most_bias: Annotated[Positive, Field(le=1)] = 0.02
    coverage_within: Annotated[Positive, Field(lt=1)] = 0.03
    segment_worse_by: Annotated[Number, Field(ge=0, le=10)] = 0.03
    segment_share: Annotated[Number, Field(ge=0, le=1)] = 0.05
    forecast_seconds: Annotated[Positive, Field(le=86_400)] = 600.0
    largest_mib: Annotated[Positive, Field(le=100_000)] = 200.0
    oldest_data_days: Annotated[Whole, Field(ge=1, le=36_500)] | None = None


class PromotionRulesOut(PromotionRulesIn):
    version: int


class TrainingScheduleIn(Schema):
    """When the area trains a challenger by itself: by the recipe of its champion, on all demand. People promote.

    every_periods: so many periods after its last training. new_actuals: when demand of so many periods has come that no
    version has learned from. on_drift: when an alarm of the champion asks for a new model that none has learned from.
    Never while a training is queued or runs, nor within distance_days of the last. By default it never does.
    """

    every_periods: Annotated[Whole, Field(ge=1, le=1000)] | None = None
    new_actuals: Annotated[Whole, Field(ge=1, le=1000)] | None = None
    on_drift: Flag = False
    distance_days: Annotated[Whole, Field(ge=1, le=3650)] = 7


class TrainingScheduleOut(TrainingScheduleIn):
    version: int


class ModelApprovalIn(Schema):
    """`overrides`: gates that failed and that this approval lets pass, for the reason given."""

    action: ApprovalAction
    reason: Reason
    overrides: Annotated[list[Key], Field(max_length=20, default_factory=list)]


class ModelApprovalOut(Schema):
    """What somebody else than its trainer said of a version; the newest counts."""

    id: UUID
    version: int
    action: ApprovalAction
    reason: str
    overrides: list[str]
    decided_by: str
    decided_at: datetime.datetime


class RollbackIn(Schema):
    reason: Reason


class PromotionIn(Schema):
    version: Version
    reason: Reason


class PromotionOut(Schema):
    """`sequence` is the version of the promotions, which the ETag carries; `mirrored_at`: MLflow's alias followed.

    `overridden`: gates that an approver let pass. `diverged_at`: when MLflow's alias was last found moved by somebody
    else, to the version `diverged_to` or, where that is null, away; it was put back.
    """

    sequence: int
    action: PromotionAction
    version: int
    previous_version: int | None
    reason: str
    promoted_by: str
    promoted_at: datetime.datetime
    overridden: list[str]
    mirrored_at: datetime.datetime | None
    diverged_at: datetime.datetime | None
    diverged_to: int | None


class ChallengerIn(Schema):
    """The version whose forecasts are made beside the champion's from now on, and never served; null for none."""

    version: Version | None
    reason: Reason


class ChallengerOut(Schema):
    """`version` is null where there is no challenger. `sequence` is what the ETag carries, 0 before the first one.

    One that has become the champion since is told, but challenges nobody: `active` is false.
    """

    sequence: int
    version: int | None
    active: bool
    reason: str | None
    marked_by: str | None
    marked_at: datetime.datetime | None
    mirrored_at: datetime.datetime | None

    @classmethod
    def of(cls, row: Challenger | None, current: int | None) -> "ChallengerOut":
        names = ("version", "reason", "marked_by", "marked_at", "mirrored_at")
        told = {name: getattr(row, name, None) for name in names}
        return cls(sequence=row.sequence if row else 0, active=current is not None, **told)


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
