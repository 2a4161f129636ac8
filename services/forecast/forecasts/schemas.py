import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from services.forecast.forecasts.tables import Forecast, Source, Stage
from services.forecast.models.schemas import Version, WarningOut
from services.forecast.overlays.schemas import MOST_OVERLAYS, OverlayIn
from shared.jobs import RunOut
from shared.schemas import Date, Flag, Schema, Whole

ForecastName = UUID | Literal["latest", "consensus"]
ExternalName = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Za-z][A-Za-z0-9._-]{0,63}$")]


class ForecastIn(Schema):
    """`origin`: last period whose demand counts as known, by default the last with demand; `horizon`: the area's.

    `overlays` make it a what-if. With `base` it has that forecast's data, model, origin and horizon, and its numbers
    save those of item-locations that the overlays reach. `explain` stores the explanations of all item-locations,
    which takes about half a millisecond for each of their periods. `consensus` takes `base`, by default the latest
    forecast, as people adjusted it; where the newest forecasts of the names in `external` tell of its item-locations
    and periods, their numbers are taken first, one name after the other.
    """

    origin: Date | None = None
    horizon: Annotated[Whole, Field(ge=1, le=1000)] | None = None
    model: Literal["champion"] | Version = "champion"
    overlays: Annotated[list[OverlayIn], Field(default_factory=list, max_length=MOST_OVERLAYS)]
    base: UUID | None = None
    explain: Flag = False
    consensus: Flag = False
    external: Annotated[list[ExternalName], Field(default_factory=list, max_length=20)]

    @model_validator(mode="after")
    def _a_base_says_all(self) -> "ForecastIn":
        if self.consensus and self.model_fields_set - {"consensus", "base", "external"}:
            raise ValueError("consensus takes nothing but a base and external forecasts")
        if self.external and not self.consensus:
            raise ValueError("external forecasts are taken into a consensus")
        if self.base is not None and not self.overlays and not self.consensus:
            raise ValueError("base needs overlays")
        if self.base is not None and self.model_fields_set & {"origin", "horizon", "model"}:
            raise ValueError("base says what origin, horizon and model are")
        if self.base is not None and self.explain:
            raise ValueError("explain needs a forecast without base; one item-location of any can be explained")
        return self


class ForecastSourceOut(Schema):
    """An external forecast whose numbers a consensus forecast has."""

    name: str
    forecast: UUID


class AppliedOut(Schema):
    """An adjustment that a consensus forecast holds."""

    id: UUID
    sequence: int
    author: str
    reason_code: str


class ForecastOut(RunOut):
    """A forecast; what `accuracy` tells is its model's backtest, `levels` are those at which it has aggregates.

    An external one has a `name` instead of a model version, and no backtest. One with `overlays` is a what-if. One of
    the `stage` consensus is its `base` with the numbers of `sources` and the `adjustments` that held when it was asked
    for; a shadow is what the challenger says in the place of its `base`, measured and not to be planned on. `causes`
    are those of its explanations, where `explain` asked for them.
    """

    source: Source
    name: str | None
    model_version: int | None
    origin: datetime.date | None
    horizon: int
    periods: list[datetime.date]
    quantiles: list[float]
    series_count: int
    levels: list[str]
    seed: int
    input_digest: str | None
    output_digest: str | None
    code_version: str | None
    overlays: list[OverlayIn]
    base: UUID | None
    explain: bool
    causes: list[str]
    stage: Stage
    adjustments: list[AppliedOut]
    sources: list[ForecastSourceOut]
    warnings: list[WarningOut]
    accuracy: dict[str, Any]

    @classmethod
    def of(cls, run: Forecast, accuracy: dict[str, Any]) -> "ForecastOut":
        names = cls.model_fields.keys() - RunOut.model_fields.keys() - {"accuracy"}
        return cls(**cls.fields(run), **{name: getattr(run, name) for name in names}, accuracy=accuracy)


class ForecastValueOut(Schema):
    """Expected demand of an item-location in a period, in the item's unit; `quantiles` by level, as `"0.1"`."""

    item: str
    location: str
    period: datetime.date
    mean: float
    quantiles: dict[str, float]


class NodeValueOut(Schema):
    """Expected demand of all item-locations of a `level`'s `node` together; "" holds those without a value there.

    The mean is the sum of their means. The quantiles are those of their joint demand, not sums of quantiles.
    """

    level: str
    node: str
    period: datetime.date
    mean: float
    quantiles: dict[str, float]
