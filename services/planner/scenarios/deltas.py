"""What a scenario's deltas do to the forecast, to supply as it was read, and to the terms of each item-location."""

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from pydantic import TypeAdapter

from services.planner.engine.inputs import Bools, Floats
from services.planner.plans.buckets import Buckets, shift
from services.planner.plans.forecast import Forecast
from services.planner.plans.options import Options
from services.planner.plans.snapshot import Snapshot
from services.planner.plans.structure import Hours
from services.planner.scenarios.schemas import (
    CapacityDelta,
    CostDelta,
    Delta,
    DemandDelta,
    DriverDelta,
    LeadTimeDelta,
    OutageDelta,
    ServiceTargetDelta,
    ShockDelta,
)

_ADAPTER: TypeAdapter[list[Delta]] = TypeAdapter(list[Delta])
FORECAST_ANEW = (DriverDelta, ShockDelta)
OF_RULES = {"unit": "unit_cost", "order": "order_cost"}
OF_TERMS = {"holding": "holding_cost", "shortage": "shortage_cost"}


def parse(stored: Sequence[dict[str, Any]]) -> list[Delta]:
    return _ADAPTER.validate_python(stored)


def overlays(deltas: Sequence[Delta]) -> list[dict[str, Any]]:
    """What of the deltas the forecast service has to forecast anew, as `POST forecasts` takes it."""
    anew = (delta for delta in deltas if isinstance(delta, FORECAST_ANEW))
    return [delta.model_dump(mode="json", exclude_none=True, exclude={"kind"}) for delta in anew]


def on_forecast(forecast: Forecast, deltas: Sequence[Delta]) -> Forecast:
    """The forecast with demand scaled and added to, one delta after the other."""
    for delta in deltas:
        if isinstance(delta, DemandDelta):
            steps = [step for step, period in enumerate(forecast.buckets.periods) if delta.covers(period)]
            cells = np.ix_(_rows(delta, forecast.keys), np.array(steps, dtype=np.intp))
            grid, mean = (_moved(values, cells, delta) for values in (forecast.grid, forecast.mean))
            forecast = replace(forecast, grid=grid, mean=mean)
    return forecast


def _moved(values: Floats, cells: Any, delta: DemandDelta) -> Floats:
    found = values.copy()
    found[cells] = found[cells] * delta.scale if delta.add is None else np.maximum(found[cells] + delta.add, 0)
    return found


def on_snapshot(snapshot: Snapshot, deltas: Sequence[Delta], buckets: Buckets) -> Snapshot:
    """Supply with other lead times and costs of its rules, and with orders delayed by outages."""
    for delta in deltas:
        match delta:
            case LeadTimeDelta():
                snapshot = replace(snapshot, rules=_set(snapshot.rules, "lead_time", delta, _lead_time))
            case CostDelta(cost="unit" | "order"):
                snapshot = replace(snapshot, rules=_set(snapshot.rules, OF_RULES[delta.cost], delta, _cost))
            case OutageDelta():
                snapshot = _delayed(snapshot, delta, buckets)
            case _:
                pass
    return snapshot


def on_terms(frame: pd.DataFrame, deltas: Sequence[Delta]) -> pd.DataFrame:
    """Terms, one row per item-location, with other holding and shortage costs and service targets."""
    for delta in deltas:
        match delta:
            case CostDelta(cost="holding" | "shortage"):
                frame = _set(
                    frame, OF_TERMS[delta.cost], delta, _cost, frame[["service_level", "fill_rate"]].isna().all(axis=1)
                )
            case ServiceTargetDelta():
                mine = _mine(delta, frame)
                frame = frame.assign(
                    service_level=frame["service_level"].mask(mine, delta.service_level),
                    shortage_cost=frame["shortage_cost"].mask(mine, np.nan),
                    fill_rate=frame["fill_rate"].mask(mine, np.nan),
                )
            case _:
                pass
    return frame


def on_options(options: Options, deltas: Sequence[Delta], periods: Sequence[datetime.date]) -> Options:
    """Ways to supply of which an outage closes those of its source."""
    opened = options.open.copy()
    for delta in deltas:
        if isinstance(delta, OutageDelta):
            opened &= ~np.outer(
                _mine(delta, options.frame), [delta.first <= period <= delta.last for period in periods]
            )
    return replace(options, open=opened)


def on_hours(hours: Hours, deltas: Sequence[Delta], periods: Sequence[datetime.date]) -> Hours:
    """Hours of resources, set or multiplied."""
    for delta in deltas:
        if isinstance(delta, CapacityDelta):
            rows = np.flatnonzero(np.asarray(hours.names == delta.resource) | (delta.resource is None))
            steps = [step for step, period in enumerate(periods) if delta.covers(period)]
            cells = np.ix_(rows, np.array(steps, dtype=np.intp))
            name = "overtime" if delta.overtime else "regular"
            found = getattr(hours, name).copy()
            found[cells] = found[cells] * delta.scale if delta.hours is None else delta.hours
            hours = replace(hours, **{name: found})
    return hours


def groups(own: Sequence[Delta]) -> Iterator[list[int]]:
    """The numbers of a scenario's deltas as each is valued: alone, those that are forecast anew together."""
    anew = [number for number, delta in enumerate(own) if isinstance(delta, FORECAST_ANEW)]
    if anew:
        yield anew
    yield from ([number] for number in range(len(own)) if number not in anew)


def _lead_time(values: "pd.Series[Any]", delta: LeadTimeDelta) -> Any:
    if delta.add is None:
        return delta.value
    return (values + delta.add).clip(lower=0)


def _cost(values: "pd.Series[Any]", delta: CostDelta) -> Any:
    if delta.scale is None:
        return float(delta.value or 0)
    return values.astype(np.float64) * delta.scale


def _set(frame: pd.DataFrame, name: str, delta: Any, change: Any, where: Any = True) -> pd.DataFrame:
    """The frame with `change` made in the column of the rows that the delta concerns."""
    return frame.assign(**{name: frame[name].mask(_mine(delta, frame) & where, change(frame[name], delta))})


def _mine(delta: Any, frame: pd.DataFrame) -> Bools:
    """The rows of a frame, with item and location as columns or as its index, that a delta names."""
    mine = np.ones(len(frame), dtype=bool)
    for name in ("item", "location", "source"):
        wanted = getattr(delta, name, None)
        if wanted is not None:
            values = frame[name] if name in frame.columns else frame.index.get_level_values(name)
            mine &= np.asarray(values == wanted, dtype=bool)
    return mine


def _rows(delta: Any, keys: pd.MultiIndex) -> Any:
    return np.flatnonzero(_mine(delta, pd.DataFrame(index=keys)))


def _delayed(snapshot: Snapshot, outage: OutageDelta, buckets: Buckets) -> Snapshot:
    """Orders under way that are due in the outage come in the first period after it.

    They do not tell their source: it is taken to be the one that their item-location is supplied from first.
    """
    starts = [period for period in buckets.periods if outage.first <= period <= outage.last]
    if not starts:
        return snapshot
    after = shift(starts[-1], buckets.frequency, 1)
    usual = snapshot.rules.sort_values("priority", kind="stable").drop_duplicates(["item", "location"])
    concerned = pd.MultiIndex.from_frame(usual.loc[_mine(outage, usual), ["item", "location"]])

    def late(orders: pd.DataFrame) -> pd.DataFrame:
        mine = pd.MultiIndex.from_frame(orders[["item", "location"]]).isin(concerned)
        due = np.array([starts[0] <= due < after for due in orders["due"]], dtype=bool)
        return orders.assign(due=orders["due"].mask(mine & due, after))

    return replace(snapshot, receipts=late(snapshot.receipts), commitments=late(snapshot.commitments))
