import datetime
from typing import Literal

from shared.schemas import Schema

Segment = Literal["smooth", "erratic", "intermittent", "lumpy"]
Recommends = Literal["retrain_model", "review_forecast"]


class LimitsOut(Schema):
    """Above which sum an alarm is raised; `rate` false alarms per item-year are allowed both together.

    `basis` backtest: found on the errors of the version's own backtest; normal: on standard normal ones, since there
    is no backtest.
    """

    level: float
    spread: float
    rate: float
    basis: Literal["backtest", "normal"]


class SegmentMonitorOut(Schema):
    """A demand class (Syntetos, Boylan and Croston), judged one period or more after its forecasts' origins.

    `wmape` is that of the medians. `bias` (positive is too high) and `extra_pinball` are shares of demand; the latter
    is the decile loss beyond that which the forecasts themselves expected. `tracking_signal` is the sum of the errors
    of the class's totals over their mean size. `demand_psi` and `demand_wasserstein` compare demand, relative to its
    mean, of the newest quarter of a year with that of a year before; the latter in standard deviations.
    """

    segment: Segment
    n: int
    item_locations: int
    wmape: float | None = None
    bias: float | None
    tracking_signal: float | None
    coverage_80: float | None
    extra_pinball: float | None
    demand_psi: float | None
    demand_wasserstein: float | None
    limits: LimitsOut


class AlarmedItemOut(Schema):
    """Errors changed `since` a period, as was seen when another was `raised`.

    `units`: decile loss beyond the expected from then on; `value`: at the item's unit cost.
    """

    item: str
    location: str
    since: datetime.date
    raised: datetime.date
    units: float
    value: str | None


class DriftAlarmOut(Schema):
    """Item-locations of a class whose forecasts' errors have changed; `item_locations` of the `watched`.

    `scope` segment: the class as a whole crossed its own limit, and these moved with it. `signal` level: demand came
    above (`up`) or below the forecast; spread: farther from it than the forecast said. `items` are the 100 dearest.
    """

    segment: Segment
    scope: Literal["items", "segment"]
    signal: Literal["level", "spread"]
    direction: Literal["up", "down"]
    recommends: Recommends
    since: datetime.date
    raised: datetime.date
    item_locations: int
    watched: int
    units: float
    value: str | None
    limit: float
    rate: float
    basis: Literal["backtest", "normal"]
    items: list[AlarmedItemOut]


class DecayOut(Schema):
    """WMAPE `measured` on `cells` from `first` to `last`, `ratio` times that of the backtest; told from `limit` on."""

    first: datetime.date
    last: datetime.date
    cells: int
    measured: float
    backtest: float
    ratio: float
    limit: float


class ModelMonitorOut(Schema):
    """A model version, or an external forecast's name, on what it published up to the period `until`.

    `decay`: by how much a version is off, where that is much more than in its backtest.
    """

    model: str
    until: datetime.date
    computed_at: datetime.datetime
    segments: list[SegmentMonitorOut]
    alarms: list[DriftAlarmOut]
    decay: DecayOut | None


class DriverMonitorOut(Schema):
    """A driver of which nothing changed for `still` periods; `dead_since`: that never lasted as long before.

    `psi` (population stability index) and `wasserstein` (in standard deviations) compare the values of the newest
    quarter of a year with those of a year before; `shifted` where the index is above 0.2.
    """

    driver: str
    still: int
    dead_since: datetime.date | None
    psi: float | None
    wasserstein: float | None
    shifted: bool
    recommends: Recommends | None


class SilentItemOut(Schema):
    item: str
    location: str
    newest: datetime.date


class SilentOut(Schema):
    """Item-locations without demand for a quarter of a year that had it in every other period before; the newest 20."""

    count: int
    items: list[SilentItemOut]


class InputsOut(Schema):
    """`late`: periods that are over for which the area has no demand yet."""

    until: datetime.date
    computed_at: datetime.datetime
    late: int
    silent: SilentOut
    drivers: list[DriverMonitorOut]


class DriftOut(Schema):
    """`inputs` is null until the first look."""

    inputs: InputsOut | None
    models: list[ModelMonitorOut]
