from typing import Literal

from shared.schemas import Schema

By = Literal["model", "forecast", "item", "location", "category", "lag", "stage"]


class AccuracyRowOut(Schema):
    """The accuracy of one group; null where a figure is not defined.

    `group` is a model version or an external forecast's name, a forecast, an item, a location, a category (null for
    items without one), a lag, or a stage: champion, consensus (as people adjusted it) or external. `n` counts the cells
    measured, `censored` those left out because they were out of stock, `series` the item-locations measured, once per
    forecast. `wmape` judges the median; `bias` (positive is too high) and `rmsse` the mean. `rmsse` and
    `scaled_pinball` are means over the series that have a scale; `rmsse_left_out` and `scaled_pinball_left_out` count
    those that have none.
    """

    group: str | None
    n: int
    censored: int
    series: int
    wmape: float | None
    bias: float | None
    rmsse: float | None
    rmsse_left_out: int
    scaled_pinball: float | None
    scaled_pinball_left_out: int
    coverage_80: float | None
    coverage_95: float | None


class AccuracyOut(Schema):
    """`forecasts` counts those that were measured."""

    by: By
    common: bool
    forecasts: int
    items: list[AccuracyRowOut]
