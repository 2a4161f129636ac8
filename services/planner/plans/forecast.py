"""The forecast that a plan rests on, as arrays: one row per item-location, one column per bucket."""

import datetime
from dataclasses import dataclass, replace
from typing import Any, Self
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from services.planner.engine.inputs import Floats
from services.planner.plans.buckets import Buckets
from shared.errors import Conflict, Problem, Unprocessable
from shared.principal import Frequency


class ForecastNotReady(Conflict):
    slug, title = "forecast-not-ready", "The forecast has no values"


class ShadowForecast(Conflict):
    slug, title = "shadow-forecast", "A forecast that is only measured"


class AsOfOutside(Unprocessable):
    slug, title = "as-of-outside-forecast", "The forecast does not cover the as-of date"


class HorizonTooLong(Unprocessable):
    slug, title = "horizon-too-long", "The forecast does not reach that far"


class ForecastUnusable(Problem):
    status, slug, title = 502, "forecast-unusable", "The forecast's values do not fit together"


@dataclass(frozen=True)
class Forecast:
    """n item-locations in the order of their codes, T buckets, K quantiles.

    One that was made elsewhere has a name and no model version.
    """

    id: UUID
    model_version: int | None
    name: str | None
    buckets: Buckets
    keys: pd.MultiIndex  # [n] item, location
    levels: Floats  # [K] ascending
    grid: Floats  # [n, T, K] units
    mean: Floats  # [n, T] units
    dependence: Floats  # [n] correlation of two buckets' normal scores

    @classmethod
    def of(cls, meta: dict[str, Any], values: pa.Table, frequency: Frequency) -> Self:
        """Read the forecast service's answers; ForecastUnusable where values are missing."""
        frame = values.to_pandas().sort_values(["item", "location", "period"], ignore_index=True)
        names = sorted((name for name in frame.columns if name.startswith("q")), key=lambda name: float(name[1:]))
        periods = sorted(frame["period"].unique())
        series = frame[["item", "location"]].iloc[:: max(1, len(periods))]
        keys = pd.MultiIndex.from_frame(series)
        _check(frame, keys, periods, [*names, "mean", "dependence"])
        shape = (len(keys), len(periods))
        return cls(
            id=UUID(meta["id"]),
            model_version=meta["model_version"],
            name=meta.get("name"),
            buckets=Buckets(periods, frequency),
            keys=keys,
            levels=np.array([float(name[1:]) for name in names]),
            grid=frame[names].to_numpy(np.float64).reshape(*shape, len(names)),
            mean=frame["mean"].to_numpy(np.float64).reshape(shape),
            dependence=frame["dependence"].to_numpy(np.float64).reshape(shape)[:, 0],
        )

    def window(self, as_of: datetime.date | None, horizon: int | None) -> Self:
        """The forecast from the bucket that starts at `as_of`, `horizon` buckets long."""
        periods = self.buckets.periods
        if as_of is not None and as_of not in periods:
            raise AsOfOutside(
                f"The forecast's periods run from {periods[0]} to {periods[-1]}; as_of must be one of their first days."
            )
        first = periods.index(as_of) if as_of else 0
        last = first + horizon if horizon else len(periods)
        if last > len(periods):
            raise HorizonTooLong(f"The forecast ends with {periods[-1]}, {last - len(periods)} periods too early.")
        return replace(
            self,
            buckets=Buckets(periods[first:last], self.buckets.frequency),
            grid=self.grid[:, first:last],
            mean=self.mean[:, first:last],
        )

    def covering(self, keys: pd.MultiIndex) -> Self:
        """The forecast of more item-locations, ordered by their codes: nothing is expected of the others."""
        rows = keys.get_indexer(self.keys)

        def wider(values: Floats) -> Floats:
            whole = np.zeros((len(keys), *values.shape[1:]))
            whole[rows] = values
            return whole

        grid, mean, dependence = map(wider, (self.grid, self.mean, self.dependence))
        return replace(self, keys=keys, grid=grid, mean=mean, dependence=dependence)

    def recent(self, demand: pa.Table, periods: list[datetime.date]) -> Floats:
        """[n, H] past demand of the item-locations in `periods`; where nothing is told, nothing was asked for."""
        frame = demand.to_pandas()
        rows = self.keys.get_indexer(pd.MultiIndex.from_frame(frame[["item", "location"]]))
        columns = pd.Index(periods).get_indexer(pd.Index(frame["period"]))
        history = np.zeros((len(self.keys), len(periods)))
        known = (rows >= 0) & (columns >= 0)
        history[rows[known], columns[known]] = frame["quantity"].to_numpy(np.float64)[known]
        return history


def out_of_stock(demand: pa.Table, periods: list[datetime.date]) -> set[tuple[str, str]]:
    """Item-locations that were out of stock in one of the periods: not all of their demand was seen."""
    short = demand.filter(pc.invert(demand["in_stock"])).select(["item", "location", "period"]).to_pandas()
    short = short[short["period"].isin(periods)]
    return set(zip(short["item"], short["location"], strict=True))


def _check(frame: pd.DataFrame, keys: pd.MultiIndex, periods: list[datetime.date], numbers: list[str]) -> None:
    """Raise ForecastUnusable unless each item-location has each period once, all numbers finite and none below 0."""
    even = len(frame) > 0 and keys.is_unique and len(frame) == len(keys) * len(periods)
    if not even or not np.all(frame["period"].to_numpy().reshape(len(keys), -1) == np.array(periods)):
        raise ForecastUnusable("Some item-locations lack some of the forecast's periods; make a new forecast.")
    values = frame[numbers].to_numpy(np.float64)
    if not np.all(np.isfinite(values) & (values >= 0)):
        raise ForecastUnusable("Some values of the forecast are negative or no numbers; make a new forecast.")
