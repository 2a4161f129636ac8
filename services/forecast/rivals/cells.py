"""What a champion and a rival told of the same item-locations and periods, block by block, beside the demand."""

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy.orm import Session

from services.forecast.accuracy.groups import Run
from services.forecast.accuracy.measurement import BLOCK_SERIES, BLOCK_STEPS, SERIES, Values, read
from services.forecast.demand import matrix
from services.forecast.engine.cells import QUANTILES, Bools, Floats, Ints
from services.forecast.engine.folds import by_level
from services.forecast.engine.metrics import decile_loss
from services.forecast.forecasts.tables import Forecast
from services.forecast.rivals.pairs import Pair, Rival
from shared import columns
from shared.db import psycopg_connection
from shared.principal import Frequency

NAIVE = """
    SELECT series.id, array_send(naive) FROM forecast_series JOIN series USING (item, location)
    WHERE forecast_id = %s AND series.id = ANY(%s::bigint[]) AND naive IS NOT NULL ORDER BY series.id
"""
_MEDIAN = QUANTILES.index(0.5)


@dataclass(frozen=True)
class Cells:
    """b item-locations x h periods, numbered `periods`: what came, and what both told of it, in units.

    demand, censored [b, h]; of each a mean [b, h] and quantiles [b, h, K]. history [b, T] up to the origin.
    """

    periods: Ints
    demand: Floats
    censored: Bools
    history: Floats
    champion: tuple[Floats, Floats]
    rival: tuple[Floats, Floats]

    def losses(self, rival: Rival) -> tuple[Floats, Floats]:
        """Losses [b, h] of champion and rival, over each item-location's mean demand before; NaN where unknown.

        Of quantiles over the deciles; seasonal naive has none, and is compared by the absolute errors of the medians.
        """
        told = [quantiles for _, quantiles in (self.champion, self.rival)]
        if rival.kind == "baseline":
            found = [np.abs(self.demand - quantiles[..., _MEDIAN]) for quantiles in told]
        else:
            found = [decile_loss(self.demand, quantiles) for quantiles in told]
        return by_level(found[0], self.history), by_level(found[1], self.history)


def cells(
    session: Session, frequency: Frequency, pair: Pair, rival: Rival, periods: Sequence[datetime.date]
) -> Iterator[Cells]:
    """Of those `periods` that both tell, ascending, what both tell."""
    champion, other = (_run(frequency, run, periods) for run in (pair.champion, pair.rival))
    with psycopg_connection(session).cursor() as cursor:
        series = [row[0] for row in cursor.execute(SERIES, (pair.champion.area, [champion.id])).fetchall()]
    block = max(1, min(BLOCK_SERIES, BLOCK_STEPS // (champion.steps + other.steps)))
    for start in range(0, len(series), block):
        numbers = np.array(series[start : start + block])
        ours = read(session, [champion], numbers)[0][1]
        theirs = (
            _naive(session, champion, numbers) if rival.kind == "baseline" else read(session, [other], numbers)[0][1]
        )
        both, mine, yours = np.intersect1d(ours.rows, theirs.rows, assume_unique=True, return_indices=True)
        if not len(both):
            continue
        past = matrix.read(session, frequency, numbers, max(periods))
        yield Cells(
            champion.periods,
            past.at(champion.periods)[both],
            past.censored(champion.periods)[both],
            past.until(champion.origin)[both],
            (ours.mean[mine], ours.quantiles[mine]),
            (theirs.mean[yours], theirs.quantiles[yours]),
        )


def _run(frequency: Frequency, run: Forecast, periods: Sequence[datetime.date]) -> Run:
    wanted = set(periods)
    return Run.of(frequency, run, [place for place, period in enumerate(run.periods) if period in wanted])


def _naive(session: Session, run: Run, series: Ints) -> Values:
    """What seasonal naive said when the forecast was made, as a distribution without spread."""
    with psycopg_connection(session).cursor(binary=True) as cursor:
        rows = cursor.execute(NAIVE, (run.id, series.tolist())).fetchall()
    numbers, told = zip(*rows, strict=True) if rows else ((), ())
    mean = columns.matrix(told, run.steps)[:, run.places]
    spread = np.repeat(mean[..., None], len(QUANTILES), axis=-1)
    return Values(np.searchsorted(series, np.array(numbers, dtype=np.int64)), mean, spread)
