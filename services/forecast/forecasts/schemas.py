import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from services.forecast.forecasts.tables import Forecast, Source
from services.forecast.models.schemas import Version, WarningOut
from shared.jobs import RunOut
from shared.schemas import Date, Schema, Whole


class ForecastIn(Schema):
    """`origin`: last period whose demand counts as known, by default the last with demand; `horizon`: the area's."""

    origin: Date | None = None
    horizon: Annotated[Whole, Field(ge=1, le=1000)] | None = None
    model: Literal["champion"] | Version = "champion"


class ForecastOut(RunOut):
    """A forecast; what `accuracy` tells is its model's backtest.

    An external one has a `name` instead of a model version, and no backtest.
    """

    source: Source
    name: str | None
    model_version: int | None
    origin: datetime.date | None
    horizon: int
    periods: list[datetime.date]
    quantiles: list[float]
    series_count: int
    seed: int
    input_digest: str | None
    output_digest: str | None
    code_version: str | None
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


ForecastName = UUID | Literal["latest"]
ExternalName = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Za-z][A-Za-z0-9._-]{0,63}$")]
