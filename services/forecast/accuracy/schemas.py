import datetime
from typing import Literal

from shared.schemas import Schema

By = Literal["model", "forecast", "item", "location", "category", "segment", "lag", "stage"]
StageName = Literal["naive", "statistical", "champion", "consensus"]


class AccuracyRowOut(Schema):
    """The accuracy of one group; null where a figure is not defined.

    `group` is a model version or an external forecast's name, a forecast, an item, a location, a category (null for
    items without one), a segment (the demand class at the origin), a lag, or a stage: champion, consensus (as people
    adjusted it), shadow (the challenger's) or external. `n` counts the cells measured, `censored` those left out as
    they were out of stock, `series` the item-locations measured, once per forecast. `wql` is twice the pinball loss,
    averaged over the deciles, over demand; `wmape` judges the median; `bias` (positive is too high) and `rmsse` the
    mean. `rmsse` and `scaled_pinball` are means over the series that have a scale; `rmsse_left_out` and
    `scaled_pinball_left_out` count those that have none.
    """

    group: str | None
    n: int
    censored: int
    series: int
    wql: float | None
    wmape: float | None
    bias: float | None
    rmsse: float | None
    rmsse_left_out: int
    scaled_pinball: float | None
    scaled_pinball_left_out: int
    coverage_80: float | None
    coverage_95: float | None


class TotalAddedOut(Schema):
    """WMAPE of the first stage less that of the last one, with 95 % bounds."""

    value_added: float | None
    low: float | None
    high: float | None


class StageOut(TotalAddedOut):
    """One stage: what is wrong with its mean, and WMAPE of the stage before less its own, with 95 % bounds.

    Above 0 it made the forecast better. Null for the first stage; bounds are null for fewer than five item-locations.
    """

    stage: StageName
    wmape: float | None
    bias: float | None


class ValueAddedRowOut(Schema):
    """Of one group: `n` cells of `series` item-locations, the same for all stages. What they add sums to `total`."""

    group: str | None
    n: int
    series: int
    stages: list[StageOut]
    total: TotalAddedOut


class ValueAddedOut(Schema):
    """What each stage adds to the one before, from naive to statistical, champion and consensus.

    `measure` is the WMAPE of the stages' means. The periods measured go from `first` to `last`, their lags from
    `first_lag` to `last_lag`. `forecasts` counts the models' forecasts that are compared with their stages, `left_out`
    those that lack a stage which others have. Groups are those that were asked for; by stage it is one of all.
    """

    measure: Literal["wmape"]
    first: datetime.date | None
    last: datetime.date | None
    first_lag: int | None
    last_lag: int | None
    forecasts: int
    left_out: int
    items: list[ValueAddedRowOut]


class AccuracyOut(Schema):
    """`forecasts` counts those that were measured."""

    by: By
    common: bool
    forecasts: int
    items: list[AccuracyRowOut]
    value_added: ValueAddedOut
