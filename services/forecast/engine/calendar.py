"""Bucket starts of a planning area: days, weeks (any anchor day) or calendar months."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from services.forecast.engine.cells import Dates, Floats, Ints

type Frequency = Literal["D", "W", "M"]


@dataclass(frozen=True)
class Calendar:
    """An unbroken run of bucket starts: `history` [T] and `future` [H]."""

    frequency: Frequency
    history: Dates
    future: Dates

    @classmethod
    def spanning(cls, frequency: Frequency, first: np.datetime64, last: np.datetime64, horizon: int) -> "Calendar":
        """History from `first` to `last` and `horizon` further buckets.

        Raises ValueError where `last` is before `first` or no bucket start.
        """
        length = int(steps(frequency, first, np.array([last]))[0]) + 1
        if length < 1:
            raise ValueError("the last period lies before the first")
        line = buckets(frequency, first, length + horizon)
        return cls(frequency, line[:length], line[length:])

    @property
    def timeline(self) -> Dates:
        """Of history and future, [T+H]."""
        return np.concatenate([self.history, self.future])

    def index(self, dates: Dates) -> Ints:
        """Position of each date from the first bucket on, negative before it and beyond [T+H] after it.

        Raises ValueError for a date that is no bucket start.
        """
        return steps(self.frequency, self.history[0], dates)

    def __len__(self) -> int:
        return len(self.history) + len(self.future)


def buckets(frequency: Frequency, first: np.datetime64, count: int) -> Dates:
    if frequency == "M":
        months = np.datetime64(first, "M") + np.arange(count).astype("timedelta64[M]")
        return months.astype("datetime64[D]")
    days = np.arange(count) * (7 if frequency == "W" else 1)
    line: Dates = np.datetime64(first, "D") + days.astype("timedelta64[D]")
    return line


def steps(frequency: Frequency, first: np.datetime64, dates: Dates) -> Ints:
    """Count the buckets from `first` to each date; raises ValueError off the calendar."""
    if frequency == "M":
        months = dates.astype("datetime64[M]")
        off = months.astype("datetime64[D]") != dates
        count = (months - np.datetime64(first, "M")).astype(np.intp)
    else:
        distance = (dates - np.datetime64(first, "D")).astype(np.intp)
        count, rest = np.divmod(distance, 7 if frequency == "W" else 1)
        off = rest != 0
    if off.any():
        raise ValueError(f"{dates[off][0]} is no bucket start of a calendar {frequency!r} from {first}")
    return count


def parts(frequency: Frequency, dates: Dates) -> dict[str, Floats]:
    """Read off a wall calendar what may matter to demand in each bucket; one array [T] per feature."""
    days = pd.DatetimeIndex(dates)
    found = {"month": days.month.to_numpy(dtype=np.float32)}
    if frequency == "M":
        month = dates.astype("datetime64[M]")
        weekdays = np.busday_count(
            month.astype("datetime64[D]"), (month + np.timedelta64(1, "M")).astype("datetime64[D]")
        )
        return found | {"working_days": weekdays.astype(np.float32)}
    found["week"] = days.isocalendar().week.to_numpy(dtype=np.float32)
    found["day_of_month"] = days.day.to_numpy(dtype=np.float32)
    if frequency == "D":
        found["day_of_week"] = days.day_of_week.to_numpy(dtype=np.float32)
    return found
