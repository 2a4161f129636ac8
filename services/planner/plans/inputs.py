"""The engine's inputs out of forecast, history and supply; what had to be assumed is told as warnings."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from services.planner.engine.consumption import consume
from services.planner.engine.inputs import ENDLESS, Bools, Demand, Floats, Ints, Supply
from services.planner.plans.buckets import Buckets, shift
from services.planner.plans.faults import Faults, OptionFaults, examine, option_faults
from services.planner.plans.forecast import Forecast
from services.planner.plans.schemas import PlanWarningOut
from services.planner.plans.snapshot import Snapshot
from services.planner.plans.structure import KEY, Structure
from services.planner.scenarios import deltas
from services.planner.scenarios.schemas import Delta
from shared.paths import series_seeds
from shared.principal import Area


@dataclass(frozen=True)
class Orders:
    """What customers have ordered of n item-locations, units."""

    due: Floats  # [n, T] by the bucket in which it is due
    overdue: Floats  # [n] due before the first one: wanted in it, besides what the forecast expects

    @property
    def total(self) -> Floats:
        """[n, T] units by the bucket in which they are wanted."""
        wanted = self.due.copy()
        wanted[:, 0] += self.overdue
        return wanted

    def rows(self, index: Ints) -> "Orders":
        return Orders(self.due[index], self.overdue[index])


@dataclass(frozen=True)
class Inputs:
    """`terms`, `supply`, `demand` and customers' `orders` hold the item-locations to plan, in one order.

    `known` counts those that were looked at; `faults` are of those that are not planned, or of single rules of others.
    `structure` has all ways of supply, of which the `usable` [m] can be planned with.
    """

    terms: pd.DataFrame
    supply: Supply
    demand: Demand
    orders: Orders
    known: int
    faults: Faults
    warnings: list[PlanWarningOut]
    structure: Structure
    usable: Bools


def inputs(
    forecast: Forecast,
    snapshot: Snapshot,
    recent: Floats,
    area: Area,
    seed: int,
    items: pd.DataFrame,
    changes: Sequence[Delta] = (),
) -> Inputs:
    """Put everything together, with the scenario's `changes`.

    recent: [n, H] units, rows as the forecast's; items: of their units of measure, sales prices and shelf lives.
    """
    forecast = deltas.on_forecast(forecast, changes)
    snapshot = deltas.on_snapshot(snapshot, changes, forecast.buckets)
    structure = Structure.of(snapshot, forecast.buckets)
    periods = forecast.buckets.periods
    options = deltas.on_options(structure.options, changes, periods)
    structure = replace(structure, options=options, hours=deltas.on_hours(structure.hours, changes, periods))
    wrong = option_faults(structure, snapshot, dict(zip(items.index, items["uom"], strict=True)))
    forecast, recent = _whole_network(forecast, recent, snapshot, structure, wrong)
    orders, overdue = _orders(forecast, snapshot)
    examined = examine(forecast, snapshot, items, area, structure, wrong, changes)
    frame, rows = examined.terms, np.flatnonzero(examined.planned)
    receipts, late = _receipts(forecast, snapshot, frame)
    planned = frame.iloc[rows]
    closed = structure.options.closed(planned.index, examined.usable)
    return Inputs(
        terms=planned,
        supply=_supply(planned, receipts[rows], closed, structure),
        demand=demand_of(forecast, rows, orders.rows(rows), recent[rows], area, seed),
        orders=orders.rows(rows),
        known=len(forecast.keys),
        faults=examined.faults,
        warnings=[*_external(forecast), *overdue, *late, *_stock_warnings(forecast, planned)],
        structure=structure,
        usable=examined.usable,
    )


def _whole_network(
    forecast: Forecast, recent: Floats, snapshot: Snapshot, structure: Structure, wrong: OptionFaults
) -> tuple[Forecast, Floats]:
    """The forecast, and what was asked for before, of whatever is forecast, ordered, or used by something that is."""
    ordered = pd.MultiIndex.from_frame(snapshot.orders[KEY])
    usable = ~np.isin(np.arange(len(structure.options)), [option for option, _ in wrong])
    keys = structure.reached(forecast.keys.union(ordered.unique()), usable)
    wider = np.zeros((len(keys), recent.shape[1]))
    wider[keys.get_indexer(forecast.keys)] = recent
    return forecast.covering(keys), wider


def _orders(forecast: Forecast, snapshot: Snapshot) -> tuple[Orders, list[PlanWarningOut]]:
    """Customers' orders, and a warning about overdue ones: those were part of an earlier period's forecast."""
    due, late = np.zeros(forecast.mean.shape), np.zeros(forecast.mean.shape)
    at_once = np.zeros(len(forecast.keys), dtype=np.int64)
    passed = (snapshot.orders["due"] < forecast.buckets.as_of).to_numpy(bool)
    _place(due, forecast, snapshot.orders[~passed], at_once)
    overdue = _place(late, forecast, snapshot.orders[passed], at_once)
    detail = "Customers' orders were due before the plan begins: wanted at once, besides the forecast."
    return Orders(due, late[:, 0]), _warning("overdue-open-orders", detail, overdue)


def _supply(frame: pd.DataFrame, receipts: Floats, closed: Bools, structure: Structure) -> Supply:
    option = _whole(frame["option"])
    backlog = (frame["shortage_mode"] == "backlog").to_numpy()
    net = (frame["on_hand"] - frame["reserved"]).to_numpy(np.float64)
    return Supply(
        on_hand=np.where(backlog, net, np.maximum(net, 0)),
        receipts=receipts,
        lead_time=_whole(frame["lead_time"]),
        lead_spread=_number(frame["lead_time_spread"]),
        review=_whole(frame["review_period"]),
        fence=_whole(frame["fence"]),
        moq=_number(frame["moq"]),
        multiple=_number(frame["multiple"]),
        max_qty=_number(frame["max_quantity"].fillna(np.inf)),
        unit_cost=structure.options.unit_cost[option],
        order_cost=structure.options.order_cost[option],
        holding_cost=_number(frame["holding_cost"]),
        shortage_cost=_number(frame["shortage_cost"]),
        service_target=_number(frame["service_level"]),
        fill_target=_number(frame["fill_rate"]),
        backlog=backlog,
        shelf_life=_whole(frame["shelf_life"].fillna(ENDLESS)),
        closed=closed,
    )


def demand_of(forecast: Forecast, rows: Ints, orders: Orders, recent: Floats, area: Area, seed: int) -> Demand:
    """The engine's demand of some `rows` [m] of a forecast, consumed by their orders. recent: [m, H] units."""
    grid, mean = consume(forecast.levels, forecast.grid[rows], forecast.mean[rows], orders.due)
    grid[:, 0] += orders.overdue[:, None]
    mean[:, 0] += orders.overdue
    keys = (f"{area.area}\x1f{item}\x1f{location}" for item, location in forecast.keys[rows])
    return Demand(
        levels=forecast.levels,
        grid=grid,
        mean=mean,
        rho=forecast.dependence[rows],
        seeds=series_seeds(keys, seed),
        recent=recent,
    )


def _receipts(forecast: Forecast, snapshot: Snapshot, frame: pd.DataFrame) -> tuple[Floats, list[PlanWarningOut]]:
    """[n, T] units under way by the bucket in which they come, and warnings about those that should have come.

    A late scheduled receipt is expected at once; a late order that is not even released, after the lead time.
    """
    last = len(forecast.buckets) - 1
    lead = frame["lead_time"].fillna(0).to_numpy(np.int64)
    expected = np.zeros((len(forecast.keys), last + 1))
    scheduled = _place(expected, forecast, snapshot.receipts, np.zeros_like(lead))
    decided = _place(expected, forecast, snapshot.commitments, np.minimum(lead, last))
    return expected, [
        *_warning("overdue-receipts", "Orders under way were due before the plan begins: expected at once.", scheduled),
        *_warning("overdue-orders", "Decided orders were due before the plan begins and are not released.", decided),
    ]


def _place(expected: Floats, forecast: Forecast, orders: pd.DataFrame, late: Ints) -> int:
    """Add orders to `expected`, overdue ones in the bucket `late` [n] of their item-location; how many were overdue."""
    rows = forecast.keys.get_indexer(pd.MultiIndex.from_frame(orders[["item", "location"]]))
    overdue = 0
    for row, due, quantity in zip(rows, orders["due"], orders["quantity"], strict=True):
        bucket = forecast.buckets.number(due)
        if row < 0 or bucket is None:
            continue
        overdue += bucket < 0
        expected[row, late[row] if bucket < 0 else bucket] += quantity
    return overdue


def _external(forecast: Forecast) -> list[PlanWarningOut]:
    detail = f"The forecast {forecast.name} was made elsewhere: no model of this area stands behind it."
    return [] if forecast.name is None else _warning("external-forecast", detail, len(forecast.keys))


def _stock_warnings(forecast: Forecast, frame: pd.DataFrame) -> list[PlanWarningOut]:
    stale, short = stale_stock(frame, forecast.buckets), overreserved(frame)
    return [
        *_warning("stale-stock", "Stock is told for more than a period before the plan begins.", int(stale.sum())),
        *_warning("reserved-exceeds-stock", "More is reserved than on hand: planned as empty.", int(short.sum())),
    ]


def stale_stock(terms: pd.DataFrame, buckets: Buckets) -> Bools:
    """[n] whether stock is told for more than a period before the plan begins."""
    fresh = shift(buckets.as_of, buckets.frequency, -1)
    return (terms["as_of"] < fresh).to_numpy(bool)


def overreserved(terms: pd.DataFrame) -> Bools:
    """[n] whether more is reserved than on hand, where that is no backlog."""
    return ((terms["on_hand"] < terms["reserved"]) & (terms["shortage_mode"] != "backlog")).to_numpy(bool)


def _warning(code: str, detail: str, count: int) -> list[PlanWarningOut]:
    return [PlanWarningOut(code=code, detail=detail, count=count)] if count else []


def _number(values: "pd.Series[Any]") -> Floats:
    return values.to_numpy(np.float64)


def _whole(values: "pd.Series[Any]") -> Ints:
    return values.to_numpy(np.int64)
