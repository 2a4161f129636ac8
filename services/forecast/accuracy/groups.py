"""What accuracy is told by: the forecasts that are measured, and the groups that their cells belong to."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self
from uuid import UUID

import numpy as np

from services.forecast.accuracy.schemas import By
from services.forecast.demand.matrix import Matrix, ordinals
from services.forecast.engine.cells import Ints
from services.forecast.engine.segments import SEGMENTS, segments
from services.forecast.forecasts.tables import Forecast
from shared.principal import Frequency


@dataclass(frozen=True)
class Run:
    """A forecast as far as it is measured: which `places` of its periods, their numbers, and its origin's."""

    id: UUID
    model: str
    stage: str
    steps: int
    levels: int
    places: list[int]
    periods: Ints
    origin: int

    @classmethod
    def of(cls, frequency: Frequency, run: Forecast, places: list[int]) -> Self:
        numbers = ordinals(frequency, run.periods)[places]
        origin = int(ordinals(frequency, [run.origin or run.periods[0]])[0])
        model = run.name if run.model_version is None else str(run.model_version)
        return cls(run.id, model or "", run.kind, len(run.periods), len(run.quantiles), places, numbers, origin)

    @property
    def lags(self) -> list[int]:
        lags: list[int] = (self.periods - self.origin).tolist()
        return lags


@dataclass(frozen=True)
class Groups:
    """The names of the groups, and where a cell belongs."""

    by: By
    runs: Sequence[Run]
    series: Sequence[Any]

    @cached_property
    def names(self) -> list[str | None]:
        return list(self._numbers)

    @cached_property
    def _numbers(self) -> dict[str | None, int]:
        return {name: number for number, name in enumerate(dict.fromkeys(self._all()))}

    def _all(self) -> Iterator[str | None]:
        match self.by:
            case "model":
                return (run.model for run in self.runs)
            case "stage":
                return (run.stage for run in self.runs)
            case "forecast":
                return (str(run.id) for run in self.runs)
            case "lag":
                return map(str, sorted({lag for run in self.runs for lag in run.lags}))
            case "segment":
                return iter(SEGMENTS)
            case _:
                return (getattr(one, self.by) for one in self.series)

    @cached_property
    def _of_series(self) -> Ints:
        return np.array([self._numbers[getattr(one, self.by)] for one in self.series])

    def parts(self, run: Run, rows: Ints, start: int, past: Matrix) -> Iterator[tuple[Ints, slice]]:
        """The group of each series, for one stretch of the run's periods after the other.

        rows [b]: of the block whose `past` demand it is, and whose first series is number `start` of all.
        """
        everything = slice(None)
        match self.by:
            case "model":
                yield np.full(len(rows), self._numbers[run.model]), everything
            case "stage":
                yield np.full(len(rows), self._numbers[run.stage]), everything
            case "forecast":
                yield np.full(len(rows), self._numbers[str(run.id)]), everything
            case "lag":
                for place, lag in enumerate(run.lags):
                    yield np.full(len(rows), self._numbers[str(lag)]), slice(place, place + 1)
            case "segment":
                yield segments(past.until(run.origin)[rows]), everything
            case _:
                yield self._of_series[rows + start], everything
