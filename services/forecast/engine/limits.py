"""Thresholds for a stated rate of false alarms, from a backtest's own scores.

Textbook limits presume independent normal errors and cry wolf on real ones. The threshold is the higher one of two:
that of a block bootstrap, which knows a whole year but nothing of slower change, and that of the backtest as it went,
which knows change but is short. Source: Künsch (1989), The jackknife and the bootstrap for general stationary
observations, Annals of Statistics 17, for blocks that keep what follows what.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

import numpy as np

from services.forecast.engine.calendar import Frequency
from services.forecast.engine.cells import Floats
from services.forecast.engine.cusum import Baseline, Change, Run, Signal, changes, cusum, relative, rooted

YEAR: dict[Frequency, int] = {"D": 365, "W": 52, "M": 12}  # periods
RATE = 0.05  # false alarms per item-year of both signals together
BLOCK = 6  # periods
PATHS = 2000
_HIGHEST = 200.0
_ROUNDS = 24
_SIGNALS = 2
_SEED = 7
_DRAWN = 400  # series


@dataclass(frozen=True)
class Limits:
    """Thresholds of both sums, and the false alarms per item-year that they are allowed together."""

    level: float
    spread: float
    rate: float


@dataclass(frozen=True)
class Calibration:
    """What healthy scores look like and when they no longer do; `basis` normal: nothing was known of them."""

    baseline: Baseline
    limits: Limits
    basis: Literal["backtest", "normal"]

    @classmethod
    def of(cls, scores: Floats, year: int, *, rate: float = RATE) -> Self:
        """From the scores [n, T] of a backtest; `year` in periods. Without two known in a row, standard normal ones."""
        usable = scores[(~np.isnan(scores)).sum(axis=1) > 1]
        if not len(usable):
            drawn = np.random.default_rng(_SEED).standard_normal((_DRAWN, year))
            return cls(Baseline(), calibrate(drawn, Baseline(), year, rate=rate), "normal")
        baseline = Baseline.of(usable)
        return cls(baseline, calibrate(usable, baseline, year, rate=rate), "backtest")

    def run(self, scores: Floats) -> dict[Signal, tuple[Run, Change]]:
        """Both sums over `scores` [n, T], and the newest change that each tells of."""
        deviations = relative(scores, self.baseline)
        roots = rooted(deviations)
        level, spread = cusum(deviations, self.limits.level), cusum(roots, self.limits.spread, both=False)
        return {"level": (level, changes(level, deviations)), "spread": (spread, changes(spread, roots))}

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Self:
        return cls(Baseline(**told["baseline"]), Limits(**told["limits"]), told["basis"])


def calibrate(scores: Floats, baseline: Baseline, year: int, *, rate: float = RATE) -> Limits:
    """Limits that healthy series with such `scores` [n, T] cross at most `rate` times in a `year` of periods.

    Each path is a year of one series' own blocks, after as many periods as the backtest has. Every row of `scores` has
    at least two that are known.
    """
    paths = relative(_paths(scores, year, np.random.default_rng(_SEED)), baseline)
    went = relative(scores, baseline)
    item_years = float((~np.isnan(scores)).sum()) / year
    allowed = rate / _SIGNALS
    level, spread = (
        max(_limit(one(paths), year, allowed * PATHS, both=both), _limit(one(went), 0, allowed * item_years, both=both))
        for one, both in ((lambda values: values, True), (rooted, False))
    )
    return Limits(level, spread, rate)


def _paths(scores: Floats, year: int, random: np.random.Generator) -> Floats:
    """Paths [PATHS, T + year]: blocks of a series' known scores, after one another and round its end."""
    rows = [row[~np.isnan(row)] for row in scores]
    length = scores.shape[1] + year
    blocks = -(-length // BLOCK)
    picked = random.integers(0, len(rows), PATHS)
    starts = random.random((PATHS, blocks))
    steps = np.arange(BLOCK)
    paths = [
        rows[number][((start * len(rows[number])).astype(np.intp)[:, None] + steps) % len(rows[number])].ravel()
        for number, start in zip(picked.tolist(), starts, strict=True)
    ]
    return np.array(paths)[:, :length]


def _limit(values: Floats, year: int, allowed: float, *, both: bool) -> float:
    """The least threshold, to a thousandth, that is crossed at most `allowed` times in the last `year`, 0: ever."""
    low, high = 0.0, _HIGHEST
    for _ in range(_ROUNDS):
        middle = (low + high) / 2
        crossed = cusum(values, middle, both=both).raised[:, -year:].sum()
        low, high = (middle, high) if crossed > allowed else (low, middle)
    return round(high, 3)
