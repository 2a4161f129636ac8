import datetime
from typing import Literal

from services.forecast.rivals.tables import Kind
from shared.schemas import Schema


class RivalFiguresOut(Schema):
    """Figures of one of the two; null where they are not defined. Seasonal naive has no distribution to measure."""

    wql: float | None
    wmape: float | None
    bias: float | None
    coverage_80: float | None
    coverage_95: float | None


class RivalSegmentOut(Schema):
    """Champion and rival on the same `n` cells: item-locations, periods and lags; of one demand class, or `all`.

    `improvement` is the share of the champion's loss that the rival saves, by the mean over each period's item-
    locations, which count in proportion to their mean demand; `low` to `high` bound it with 90 % confidence by a
    Diebold-Mariano test on the `periods`. `series` counts item-locations of a forecast.
    """

    segment: str
    n: int
    series: int
    periods: int
    champion: RivalFiguresOut
    rival: RivalFiguresOut
    improvement: float | None
    low: float | None
    high: float | None


class RivalTestOut(Schema):
    """Who is better by the test that holds whenever somebody looks: a false verdict has the probability `alpha`.

    `evidence` is the e-value of all `rounds` from `first` to `last` for the verdict that they favour. `decided` is the
    period after which it sufficed first.
    """

    verdict: Literal["rival", "champion", "open"]
    alpha: float
    rounds: int
    first: datetime.date | None
    last: datetime.date | None
    decided: datetime.date | None
    evidence: float


class RivalOut(Schema):
    """A challenger by its version, an external forecast by its name, or seasonal naive as the baseline.

    Losses are decile losses (`wql`); beside seasonal naive, which has one number only, absolute errors of the median
    (`wmape`). `forecasts` counts the champion's forecasts of which the rival has one of the same origin.
    """

    kind: Kind
    rival: str
    loss: Literal["wql", "wmape"]
    forecasts: int
    segments: list[RivalSegmentOut]
    test: RivalTestOut


class ModelComparisonOut(Schema):
    """The champion against each of its rivals, on demand that has come since."""

    champion: int
    items: list[RivalOut]
