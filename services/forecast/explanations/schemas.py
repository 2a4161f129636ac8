import datetime
from uuid import UUID

from shared.schemas import Schema


class CauseOut(Schema):
    """`units` in the item's unit, with its sign; `effect` multiplies: the mean is base times the effects of all."""

    cause: str
    units: float
    effect: float


class ExplainedPeriodOut(Schema):
    """`base` and the units of all causes sum to `mean`; `upside`: the 0.9 quantile over the mean, if that is not 0."""

    period: datetime.date
    mean: float
    upside: float | None
    base: float | None
    causes: list[CauseOut]


class ExplainedValueOut(Schema):
    """One item-location and period of many: `base` and the `units` of all causes sum to `mean`, in the item's unit."""

    item: str
    location: str
    period: datetime.date
    mean: float
    base: float
    units: dict[str, float]


class ChangeCauseOut(Schema):
    """`units` that were added (or taken away, below 0) since the other forecast."""

    cause: str
    units: float


class ChangedPeriodOut(Schema):
    """The units of all causes sum to `after` less `before`."""

    period: datetime.date
    before: float
    after: float
    causes: list[ChangeCauseOut]


class ChangeOut(Schema):
    """Why the forecast differs from the forecast `since`, in the periods that both cover.

    `unexplained` says why there are none: `not-forecast-then`, where that one lacks the item-location, or `no-history`,
    where peers lent either forecast.
    """

    since: UUID
    origin: datetime.date
    model_version: int
    unexplained: str | None
    periods: list[ChangedPeriodOut]


class ExplanationOut(Schema):
    """Why the forecast of one item-location is what it is.

    `unexplained` says why `base` and causes are missing: `no-history`, where peers lent their forecast.
    """

    forecast: UUID
    item: str
    location: str
    origin: datetime.date
    model_version: int
    unexplained: str | None
    periods: list[ExplainedPeriodOut]
    change: ChangeOut | None
