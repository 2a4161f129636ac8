"""What deciding by forecast and plan costs on real demand, beside the rules that many firms order by.

Demand after the first 60 % of history is replayed period by period. At each review every policy sees the stock and the
orders under way that its own decisions have led to: the service's forecast, made anew from what is known by then, with
the planner's order decision; a moving average, four periods ahead; and average demand with a normal safety stock.
Perfect foresight knows all of the demand: no plan costs less. Cost is holding, shortage and ordering; bought goods keep
their value. Without a panel one is made on the spot.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from bench.contest import synthetic
from bench.contest.panel import KEYS, Contest
from bench.report import Goal, report
from services.forecast.engine.cells import QUANTILES
from services.forecast.engine.model import Model
from services.forecast.engine.panel import Panel
from services.forecast.engine.training import train
from services.planner.engine.dynamic import schedule
from services.planner.engine.inputs import ENDLESS, Demand, Floats, Supply
from services.planner.engine.kpis import Totals
from services.planner.engine.lots import fill_up
from services.planner.engine.plan import plan
from services.planner.engine.policies import AVERAGED, COVERED, benchmark, scheduled
from shared.paths import series_seeds

TRAINED_ON = 0.6  # share of history before the first decision
RETRAINED = 26  # periods that a trained model serves
# periods of a plan, at least, and twice the longest lead time and review
HORIZON = {"D": 28, "W": 13, "M": 12}
SPREAD_OVER = 26  # periods that the normal safety stock takes the spread of demand from
PATHS = 200
TERMS = ("lead_time", "moq", "multiple", "unit_cost", "order_cost", "holding_cost", "shortage_cost")
GOALS = (Goal("of_moving_average", "at_most", 0.88), Goal("of_normal_safety_stock", "at_most", 0.9999))

type Decide = Callable[[int, Supply], Floats]
"""(periods known, stock and orders under way) -> [n] units to release now."""


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    with tempfile.TemporaryDirectory() as place:
        if options.panel is None:
            options.panel = Path(place, "panel.parquet")
            synthetic.weekly().to_parquet(options.panel, index=False)
            options.known = ["promotion"]
        return report(measure(options), GOALS)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.policy", description=__doc__)
    add = parser.add_argument
    add("--panel", type=Path, help=f"Parquet: item, location, period, quantity[, in_stock][, {', '.join(TERMS)}]")
    add("--frequency", choices=["D", "W", "M"], default="W")
    add("--lead-time", type=int, default=2, help="periods")
    add("--review", type=int, default=1, help="periods between decisions")
    add("--holding", type=float, default=0.2, help="per unit and period")
    add("--shortage", type=float, default=1.0, help="per unit lost, or backlogged for a period")
    add("--backlog", action="store_true", help="unmet demand waits; else the sale is lost")
    add("--origins", type=int, help="decide in the last N periods only; default: all after 60 %% of history")
    add("--known", type=lambda text: text.split(","), default=[], help="columns of drivers known ahead: a,b")
    add("--threads", type=int, default=2)
    return parser.parse_args(arguments)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Figures of every policy, and the cost of the service's beside the others'."""
    panel, terms = _read(options)
    length = len(panel.periods)
    first = max(int(TRAINED_ON * length), length - options.origins if options.origins else 0)
    demand = np.nan_to_num(panel.demand[:, first:].astype(np.float64))
    rules = Rules(panel.demand.astype(np.float64))
    empty = _supply(options, terms, panel.horizon)
    supply = replace(empty, on_hand=rules.stocked(first, empty))
    began = time.perf_counter()
    service = Service(panel, options.threads)
    policies = {"service": service.order, "moving_average": rules.moving_average, "normal_safety_stock": rules.normal}
    found = {name: _replayed(supply, demand, first, decide) for name, decide in policies.items()}
    found["perfect_foresight"] = _foreseen(supply, demand)
    cost = {name: figures["cost"] for name, figures in found.items()}
    beside = {f"of_{name}": round(cost["service"] / cost[name], 4) for name in found if name != "service"}
    return beside | {
        "policies": found,
        "series": len(demand),
        "periods": demand.shape[1],
        "trainings": service.trainings,
        "seconds": round(time.perf_counter() - began, 1),
    }


def _read(options: argparse.Namespace) -> tuple[Panel, pd.DataFrame]:
    """The panel, and the supply terms that the table has, a row per item-location in the panel's order."""
    columns = pd.read_parquet(options.panel).columns
    contest = Contest.read(options.panel, options.frequency, 1, known=options.known, in_stock="in_stock" in columns)
    given = [name for name in TERMS if name in columns]
    terms = contest.table.groupby(KEYS)[given].first()
    longest = int(terms["lead_time"].max()) if "lead_time" in given else options.lead_time
    horizon = max(HORIZON[options.frequency], 2 * (longest + options.review))
    panel = replace(contest, table=contest.table.drop(columns=given), horizon=horizon).panel()
    return panel, terms.reindex(pd.MultiIndex.from_frame(panel.series[KEYS]))


def _supply(options: argparse.Namespace, terms: pd.DataFrame, horizon: int) -> Supply:
    """The terms, with no stock and nothing under way."""
    n = len(terms)
    usual = {"holding_cost": options.holding, "shortage_cost": options.shortage, "multiple": 1.0}
    given = {
        name: terms[name].to_numpy(dtype=np.float64) if name in terms else np.full(n, usual.get(name, 0.0))
        for name in TERMS[1:]
    }
    lead_time = terms["lead_time"].to_numpy() if "lead_time" in terms else np.full(n, options.lead_time)
    by_bucket = {name: np.repeat(given.pop(name)[:, None], horizon, axis=1) for name in ("unit_cost", "order_cost")}
    return Supply(
        **given,
        **by_bucket,
        lead_time=lead_time.astype(np.int64),
        on_hand=np.zeros(n),
        receipts=np.zeros((n, horizon)),
        review=np.full(n, options.review),
        lead_spread=np.zeros(n),
        fence=np.zeros(n, dtype=np.int64),
        max_qty=np.full(n, np.inf),
        service_target=np.full(n, np.nan),
        fill_target=np.full(n, np.nan),
        backlog=np.full(n, options.backlog),
        shelf_life=np.full(n, ENDLESS),
        closed=np.zeros((n, horizon), dtype=bool),
    )


class Service:
    """Accord itself: its forecast of all that is known by then, and its plan's order."""

    def __init__(self, panel: Panel, threads: int) -> None:
        self.panel, self.threads, self.trainings = panel, threads, 0
        self._model: Model | None = None
        self._trained = 0
        self._seeds = series_seeds(panel.series["item"] + "\x1f" + panel.series["location"])

    def order(self, length: int, supply: Supply) -> Floats:
        """[n] units; the model is trained anew every RETRAINED periods."""
        known = self.panel.until(length)
        if self._model is None or length - self._trained >= RETRAINED:
            self._model, self._trained = train(known, threads=self.threads), length
            self.trainings += 1
        found = self._model.forecast(known)
        demand = Demand(
            levels=np.array(QUANTILES),
            grid=found.quantiles.astype(np.float64),
            mean=found.mean.astype(np.float64),
            rho=found.dependence.astype(np.float64),
            seeds=self._seeds,
            recent=_recent(known.demand.astype(np.float64)),
        )
        return plan(supply, demand, paths=PATHS, threads=self.threads).orders.option.quantity


@dataclass(frozen=True)
class Rules:
    """What orders are without a forecast; demand [n, T], of which they see what is known."""

    demand: Floats

    def stocked(self, length: int, supply: Supply) -> Floats:
        """[n] units to begin with: what the moving average orders up to."""
        cover = np.maximum(COVERED, supply.lead_time + supply.review + 1)
        return np.asarray(np.ceil(_recent(self.demand[:, :length]).mean(axis=1) * cover))

    def moving_average(self, length: int, supply: Supply) -> Floats:
        """Four periods of the average of the last 13, or lead time and review and one more: the plan's benchmark."""
        position = _position(supply)[:, None]
        release = benchmark(supply, _recent(self.demand[:, :length]), np.zeros((len(position), 1, 1)))
        return np.asarray(release(0, position)[:, 0])

    def normal(self, length: int, supply: Supply) -> Floats:
        """The same average over lead time and review, and z standard deviations of a normal demand as safety stock."""
        span = supply.lead_time + supply.review
        spread = _recent(self.demand[:, :length], SPREAD_OVER).std(axis=1)
        level = _recent(self.demand[:, :length]).mean(axis=1) * span
        level = level + ndtri(supply.fractile) * spread * np.sqrt(span)
        return np.asarray(fill_up(supply, _position(supply)[:, None], level[:, None], np.abs(level)[:, None])[:, 0])


def _recent(demand: Floats, count: int = AVERAGED) -> Floats:
    """The last `count` periods [n, count]; where demand is unknown, the average of those that are known, else 0."""
    last = demand[:, -count:]
    known = np.isfinite(last)
    usual = np.where(known, last, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return np.asarray(np.where(known, last, usual[:, None]))


def _position(supply: Supply) -> Floats:
    """[n] units on hand and under way, less backlog."""
    return np.asarray(supply.on_hand + supply.receipts.sum(axis=1))


def _replayed(start: Supply, demand: Floats, first: int, decide: Decide) -> dict[str, float]:
    """What a policy costs on demand [n, P] that follows `first` known periods."""
    supply, stocked, short, orders = start, np.zeros(len(demand)), np.zeros(len(demand)), np.zeros(len(demand))
    unserved = 0.0
    rows = np.arange(len(demand))
    for t, wanted in enumerate(demand.T):
        if t % int(start.review[0]) == 0:
            quantity = decide(first + t, supply)
            receipts = supply.receipts.copy()
            receipts[rows, supply.lead_time] += quantity
            supply, orders = replace(supply, receipts=receipts), orders + (quantity > 0)
        end = supply.on_hand + supply.receipts[:, 0] - wanted
        stocked, short = stocked + np.maximum(end, 0), short + np.maximum(-end, 0)
        unserved += np.minimum(np.maximum(-end, 0), wanted).sum()
        following = np.concatenate([supply.receipts[:, 1:], np.zeros((len(demand), 1))], axis=1)
        supply = replace(supply, on_hand=np.where(start.backlog, end, np.maximum(end, 0)), receipts=following)
    cost = start.holding_cost * stocked + start.shortage_cost * short + start.ordering * orders
    return _figures(cost, 1 - unserved / demand.sum(), stocked / demand.shape[1])


def _foreseen(start: Supply, demand: Floats) -> dict[str, float]:
    """The least cost that any releases could have had."""
    none = np.zeros_like(demand)
    unit_cost, order_cost = (
        np.repeat(cost[:, :1], demand.shape[1], axis=1) for cost in (start.unit_cost, start.order_cost)
    )
    ahead = replace(start, receipts=none, closed=none > 0, unit_cost=unit_cost, order_cost=order_cost)
    found = schedule(ahead, demand)
    totals = Totals.of(ahead, demand[:, None, :], scheduled(found.releases))
    return _figures(found.cost, 1 - totals.short.sum() / demand.sum(), totals.stock[:, 0] / demand.shape[1])


def _figures(cost: Floats, fill_rate: float, stock: Floats) -> dict[str, float]:
    """Of all item-locations together; stock in units at the end of a period."""
    return {
        "cost": round(float(cost.sum()), 2),
        "fill_rate": round(fill_rate, 4),
        "mean_stock": round(float(stock.sum()), 1),
    }


if __name__ == "__main__":
    sys.exit(main())
