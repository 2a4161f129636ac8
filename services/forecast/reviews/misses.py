"""Item-locations whose demand missed the interval that was told of it more often than chance has it."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy.orm import Session

from services.forecast import published
from services.forecast.demand.matrix import ordinals
from services.forecast.engine import reviews
from services.forecast.engine.cells import Floats
from services.forecast.forecasts.tables import Forecast
from services.forecast.models.tables import ModelVersion
from services.forecast.periods import start_of_number
from services.forecast.published import Telling

DIGITS = 6


class Missed(NamedTuple):
    """A block of periods of an item-location: `units` outside of the intervals, and the evidence."""

    item: str
    location: str
    block: int
    units: float
    evidence: dict[str, Any]


def missed(session: Session, run: Forecast, version: ModelVersion) -> Iterator[Missed]:
    """Of the periods known to `run` in its newest block and the one before; blocks begin at multiples of `BLOCK`.

    What counts is what our models told before `run`, whatever their version.
    """
    frequency = version.frequency
    assert run.origin is not None  # noqa: S101  it has succeeded
    last = int(ordinals(frequency, [run.origin])[0])
    before = published.published(run.area, "model").where(Forecast.origin < run.origin)
    found = session.scalars(before.order_by(Forecast.created_at)).all()
    told = published.tellings(frequency, found, (last // reviews.BLOCK - 1) * reviews.BLOCK, run.origin)
    numbers = np.array([one.period // reviews.BLOCK for one in told], dtype=np.int64)
    for part in published.blocks(session, run.area, frequency, told, run.origin):
        low, high = part.quantiles[..., 0], part.quantiles[..., -1]
        above, below = reviews.missed(part.demand, low, high)
        known = ~np.isnan(part.demand) & ~np.isnan(low)
        for block in np.unique(numbers).tolist():
            mine = numbers == block
            count = (above | below)[:, mine].sum(axis=1)
            for row in np.flatnonzero(count >= reviews.fewest_misses()).tolist():
                columns = np.flatnonzero(mine & known[row])
                demand, least, most = (each[row, columns] for each in (part.demand, low, high))
                outside = float((np.maximum(demand - most, 0) + np.maximum(least - demand, 0)).sum())
                evidence = _evidence(version, [told[column] for column in columns], demand, least, most)
                yield Missed(part.series[row].item, part.series[row].location, block, outside, evidence)


def _evidence(
    version: ModelVersion, told: Sequence[Telling], demand: Floats, low: Floats, high: Floats
) -> dict[str, Any]:
    above, below = reviews.missed(demand, low, high)
    fewest = reviews.fewest_misses()
    return {
        "periods": [start_of_number(version.frequency, version.last_period, one.period) for one in told],
        "lags": [one.lag for one in told],
        **{name: values.round(DIGITS).tolist() for name, values in (("demand", demand), ("low", low), ("high", high))},
        "level": round(reviews.LEVEL, DIGITS),
        "above": int(above.sum()),
        "below": int(below.sum()),
        "fewest": fewest,
        "block": reviews.BLOCK,
        "false_alarm": round(reviews.chance_of(fewest), DIGITS),
    }
