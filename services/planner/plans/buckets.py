"""The plan's time axis: bucket numbers for dates, and dates beyond the forecast's."""

import datetime
from bisect import bisect_right
from collections.abc import Sequence

from shared.principal import Frequency

DAYS: dict[Frequency, float] = {"D": 1, "W": 7, "M": 365 / 12}  # of a month on average
PERIODS_PER_YEAR = {"D": 365, "W": 52, "M": 12}


def shift(period: datetime.date, frequency: Frequency, count: int) -> datetime.date:
    """The start of the bucket `count` after (or, negative, before) the one that starts at `period`."""
    if frequency != "M":
        return period + datetime.timedelta(days=DAYS[frequency] * count)
    months = period.year * 12 + period.month - 1 + count
    return period.replace(year=months // 12, month=months % 12 + 1)


class Buckets:
    """Buckets 0 … T-1, which start at `periods`; the last one ends where the next would start."""

    def __init__(self, periods: Sequence[datetime.date], frequency: Frequency) -> None:
        self.periods = list(periods)
        self.frequency = frequency
        self._end = shift(self.periods[-1], frequency, 1)

    def __len__(self) -> int:
        return len(self.periods)

    @property
    def as_of(self) -> datetime.date:
        return self.periods[0]

    def number(self, day: datetime.date) -> int | None:
        """The bucket that holds `day`; -1 before the first, None after the last."""
        return None if day >= self._end else bisect_right(self.periods, day) - 1

    def before(self, count: int) -> list[datetime.date]:
        """The starts of the `count` buckets before the first, oldest first."""
        return [shift(self.as_of, self.frequency, -back) for back in range(count, 0, -1)]
