"""What speaks for recommendations that are no orders; that of other services as it comes in and as it is stored."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from shared.schemas import Amount, Code, Cost, Date, Money, Number, Positive, Quantity, Schema, Share, Whole

MOST_PERIODS = 1000
Count = Annotated[Whole, Field(ge=0, lt=2**31)]
Version = Annotated[Whole, Field(ge=1, lt=2**31)]
Periods = Annotated[list[Date], Field(min_length=1, max_length=MOST_PERIODS)]
Quantities = Annotated[list[Quantity], Field(min_length=1, max_length=MOST_PERIODS)]


class StakeOut(Schema):
    """How much is at stake: `units`, and their `value` at unit cost where that is known. `rank` is by it, of `flagged`.

    All that the same rules found in the same run are `flagged`; only the first are filed.
    """

    units: Quantity
    value: Cost | None
    rank: Version
    flagged: Version


class ForecastJumpOut(Schema):
    """Two forecasts of the same `periods`: means `before` and `after`, in units.

    `change` is the sum of the differences, `spread` one standard deviation of the sum as the forecast `previous` told
    it, `z` their quotient.
    """

    previous: UUID
    previous_model_version: Version | None
    periods: Periods
    before: Quantities
    after: Quantities
    change: Number
    spread: Positive
    z: Number


class MissesOut(Schema):
    """`demand` that came in `periods` beside `low` and `high`, the interval of `level` told `lags` periods before.

    `above` and `below` count what lay outside, of `fewest` that are told; a forecast whose intervals hold, one period
    ahead, has so many in a block of `block` periods with a probability of `false_alarm`.
    """

    periods: Periods
    lags: Annotated[list[Count], Field(min_length=1, max_length=MOST_PERIODS)]
    demand: Quantities
    low: Quantities
    high: Quantities
    level: Share
    above: Count
    below: Count
    fewest: Version
    block: Version
    false_alarm: Share


class ModelContestOut(Schema):
    """A trained version against the champion in the backtest: the share of the champion's loss that it saves.

    `low` to `high` bounds the `improvement` with a confidence of `level`. `gates`: all that it was asked to pass, and
    passed.
    """

    champion: Version
    gates: Annotated[list[Code], Field(min_length=1, max_length=20)]
    improvement: Number
    low: Number
    high: Number
    level: Share


class RealisedComparisonOut(Schema):
    """The champion against a rival on demand that has come: the `improvement` is the share of its loss that it saves.

    `rival` is a challenger's version, an external forecast's name, or seasonal naive as the baseline; `forecast` its
    newest that was judged. Of `rounds` from `first` to `last`, told before and judged once; `decided` is the period
    after which a test that is looked at after each round, with a probability of `alpha` for a false alarm ever, found
    for the rival. `evidence` is its e-value. `low` to `high` bound the mean over rounds with a confidence of `level`.
    """

    champion: Version
    kind: Literal["challenger", "external", "baseline"]
    rival: Code
    forecast: UUID
    first: Date
    last: Date
    decided: Date
    rounds: Version
    cells: Version
    item_locations: Version
    improvement: Number
    low: Number
    high: Number
    level: Share
    evidence: Positive
    alpha: Share


class ModelDecayOut(Schema):
    """WMAPE of the champion on demand that has come since, over that of its backtest: `ratio`, told from `limit` on."""

    first: Date
    last: Date
    cells: Version
    measured: Quantity
    backtest: Positive
    ratio: Quantity
    limit: Positive


class DriftedItemOut(Schema):
    """Errors changed `since` a period, as was seen when another was `raised`.

    `units`: decile loss beyond that which the forecast expected from then on; `value`: at the item's unit cost.
    """

    item: Code
    location: Code
    since: Date
    raised: Date
    units: Number
    value: Money | None


class ModelDriftOut(Schema):
    """An alarm of the monitors (`GET drift`) on what `model` published up to the period `until`.

    Of a demand class, its `segment`, `item_locations` of the `watched` have errors that changed, `since` the first of
    them did; together they cost `units` and `value` beyond the expected. `scope` segment: the class as a whole crossed
    its own `limit`. `items` are the dearest.
    """

    model: Code
    segment: Literal["smooth", "erratic", "intermittent", "lumpy"]
    scope: Literal["items", "segment"]
    signal: Literal["level", "spread"]
    direction: Literal["up", "down"]
    since: Date
    raised: Date
    until: Date
    item_locations: Version
    watched: Version
    units: Number
    value: Money | None
    limit: Positive
    rate: Share
    basis: Literal["backtest", "normal"]
    items: Annotated[list[DriftedItemOut], Field(min_length=1, max_length=100)]


class DeadDriverOut(Schema):
    """A driver of which no value has changed `since` a period, `still` periods long: longer than ever before."""

    driver: Code
    since: Date
    still: Version


class DisposalOut(Schema):
    """Stock to sell off or scrap, as it lasts longer than `worth_keeping_periods`: until holding has cost its price.

    Or until it expires, where that is sooner.

    `value` is what it cost; `net_benefit` is what holding it over the plan costs.
    """

    quantity: float
    on_hand: float
    demand_per_period: float
    worth_keeping_periods: float
    value: Amount
    net_benefit: Amount


class BiasOut(Schema):
    """What overrides of an item-location, or for a reason, have in common: changed by `mean_change` on average.

    They cost less than what was recommended by `value_added` on average, `low` to `high` with 95 % confidence.
    """

    reason_code: str | None
    overrides: int
    mean_change: float
    value_added: Amount
    low: Amount
    high: Amount
