"""Shared shapes of the engine: the quantile grid, array types, and the exceptions that callers handle.

EngineError
|-- TooShort    no cell of the history can be learned from
`-- Cancelled   the caller asked to stop
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.floating]
type Ints = NDArray[np.integer]
type Bools = NDArray[np.bool_]
type Dates = NDArray[np.datetime64]

QUANTILES: tuple[float, ...] = (0.025, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.975)
# The probability that each of QUANTILES stands for: half the way to its neighbours on either side.
WEIGHTS = np.diff(np.concatenate([[0.0], (np.array(QUANTILES)[1:] + np.array(QUANTILES)[:-1]) / 2, [1.0]]))


class EngineError(Exception):
    pass


class TooShort(EngineError, ValueError):  # noqa: N818  reads as a sentence where it is raised
    pass


class Cancelled(EngineError):  # noqa: N818  not a fault
    pass


@dataclass(frozen=True)
class Watch:
    """What the caller wants to hear of, and may stop, while the engine works."""

    progress: Callable[[int, int, str], None] = lambda _done, _total, _what: None
    cancelled: Callable[[], bool] = lambda: False

    def step(self, done: int, total: int, what: str) -> None:
        """Report that step `done` of `total` begins; raises Cancelled if the caller asked to stop."""
        self.check()
        self.progress(done, total, what)

    def check(self) -> None:
        if self.cancelled():
            raise Cancelled


@dataclass(frozen=True)
class Cells:
    """Which numbers are asked for: r rows of (series, origin, horizon), as indexes into a panel.

    `origin` is the index of the last period known, `horizon` counts periods after it (1, 2, ...).
    """

    series: Ints
    origin: Ints
    horizon: Ints

    @property
    def target(self) -> Ints:
        return self.origin + self.horizon

    def __len__(self) -> int:
        return len(self.series)

    def take(self, rows: Ints | Bools | slice) -> "Cells":
        return Cells(self.series[rows], self.origin[rows], self.horizon[rows])

    @classmethod
    def joined(cls, *parts: "Cells") -> "Cells":
        columns = zip(*((part.series, part.origin, part.horizon) for part in parts), strict=True)
        return cls(*(np.concatenate(column) for column in columns))

    @classmethod
    def grid(cls, n: int, origin: int, horizon: int) -> "Cells":
        """Every series times every horizon step from one origin, series-major (reshape to [n, H])."""
        series = np.repeat(np.arange(n), horizon)
        steps = np.tile(np.arange(1, horizon + 1), n)
        return cls(series, np.full(n * horizon, origin), steps)
