"""What a model published of each period, judged by the demand that came."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from services.forecast.demand.matrix import Matrix, ordinals
from services.forecast.engine.cells import Floats, Ints
from services.forecast.engine.drift import Shift
from services.forecast.engine.limits import YEAR
from services.forecast.engine.monitoring import Judged
from services.forecast.engine.segments import SEGMENTS, segments
from services.forecast.forecasts.tables import Forecast
from services.forecast.published import blocks, tellings
from shared.principal import Frequency

YEARS = 2  # of periods, the newest


@dataclass(frozen=True)
class Verdict:
    """n item-locations (item, location, category), T periods numbered `periods`, judged; segment [n].

    shifts: by class, how demand relative to its mean is spread in the newest season part against a year before.
    """

    series: Sequence[Any]
    periods: Ints
    judged: Judged
    segment: Ints
    shifts: dict[int, Shift]


def judge(session: Session, frequency: Frequency, runs: Sequence[Forecast], until: datetime.date) -> Verdict | None:
    """Judge what `runs` of one model, oldest first, told of the periods up to `until`; None where none is known."""
    year, last = YEAR[frequency], int(ordinals(frequency, [until])[0])
    told = tellings(frequency, runs, last - YEARS * year + 1, until)
    parts = list(blocks(session, runs[0].area, frequency, told, until)) if told else []
    if not parts:
        return None
    judged = Judged.joined([Judged.of(part.demand, part.mean, part.quantiles) for part in parts])
    if np.isnan(judged.scores).all():
        return None
    segment = np.concatenate([segments(part.past.until(told[0].period - 1)) for part in parts])
    now, then = (
        np.concatenate(found) for found in zip(*(_relative(part.past, last, year) for part in parts), strict=True)
    )
    shifts = {
        number: found
        for number in range(len(SEGMENTS))
        if (found := Shift.between(then[segment == number].ravel(), now[segment == number].ravel())) is not None
    }
    series = [one for part in parts for one in part.series]
    return Verdict(series, np.array([one.period for one in told]), judged, segment, shifts)


def _relative(past: Matrix, last: int, year: int) -> tuple[Floats, Floats]:
    """Demand over its mean in the quarter of a year up to the period `last`, and in the same a year before."""
    part = np.arange(last - max(year // 4, 1) + 1, last + 1)
    usual = np.nanmean(np.where(np.isnan(past.demand), 0, past.demand), axis=1, keepdims=True)
    now, then = (past.at(part - back) / np.where(usual > 0, usual, np.nan) for back in (0, year))
    return now, then
