"""What a network's plan comes to on sample paths: lines per item-location and bucket, sums per path."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np

from services.planner.engine.exact import add_up, carried
from services.planner.engine.inputs import Floats, Supply
from services.planner.engine.kpis import Tally
from services.planner.engine.lots import SLACK
from services.planner.engine.network.inputs import Network
from services.planner.engine.network.simulation import Moment, simulate
from services.planner.engine.projection import Lines


@dataclass(frozen=True, slots=True)
class Projection:
    """Rows as the network's. `lines.demand` includes `dependent`."""

    lines: Lines  # [n, T]
    dependent: Floats  # [n, T] units taken by orders for what is made or moved of it, mean over paths
    load: Floats  # [r, T] hours, mean over paths
    overtime: Floats  # [r, T] hours, mean over paths
    tally: Tally


def project(network: Network, supply: Supply, release: Floats, paths: np.ndarray) -> Projection:
    """Simulate releases [m, T] on paths [n, S, T]; supply [n] has what a unit short and a unit in stock cost."""
    columns: list[dict[str, Floats]] = []
    sums: dict[str, Any] = defaultdict(float)
    for t, moment in enumerate(simulate(network, release, paths)):
        totals, column = _bucket(network, supply, moment, t)
        columns.append(column)
        for name, values in totals.items():
            sums[name] = sums[name] + values
    found = {name: np.stack([column[name] for column in columns], axis=1) for name in columns[0]}
    dependent, load, overtime = (found.pop(name) for name in ("dependent", "load", "overtime"))
    lines = Lines(scheduled_receipts=supply.receipts, safety_stock=network.nodes.safety_stock, **found)
    limbs = {name: carried(values) for name, values in sums.items()}
    tally = Tally(**limbs, cells=len(network.nodes) * network.nodes.periods)
    return Projection(lines, dependent, load, overtime, tally)


def _bucket(network: Network, supply: Supply, moment: Moment, t: int) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """The bucket's part of every sum per path, limbs [L, S], and its column of every line."""
    options, resources = network.options, network.resources
    spent = options.unit_cost[:, t, None] * moment.released
    placed = moment.released > 0
    unmet = np.where(supply.backlog[:, None], moment.backlog, moment.short)
    out = moment.short > SLACK * 10 * moment.demand
    load = _load(network, moment.released)
    overtime = np.maximum(load - resources.capacity[:, t, None], 0)
    totals = {
        "holding": add_up(moment.stock, supply.holding_cost),
        "shortage": add_up(unmet, supply.penalty),
        "ordering": add_up(placed, options.order_cost[:, t]),
        "purchase": add_up(spent),
        "overtime": add_up(overtime, resources.overtime_cost),
        "waste": add_up(moment.wasted, network.nodes.waste_cost),
        "demand": add_up(moment.demand),
        "short": add_up(moment.short),
        "stockouts": add_up(out),
        "stock": add_up(moment.stock),
        "value": add_up(moment.stock, supply.price),
    }
    net = np.sort(moment.stock - moment.backlog, axis=1)
    low, middle, high = (net[:, round(share * (net.shape[1] - 1))] for share in (0.1, 0.5, 0.9))
    dependent, stock = moment.used.mean(axis=1), moment.stock.mean(axis=1)
    column = {
        "demand": moment.demand.mean(axis=1) + dependent,
        "dependent": dependent,
        "load": load.mean(axis=1),
        "overtime": overtime.mean(axis=1),
        "planned_receipts": moment.received.mean(axis=1),
        "planned_releases": _per_node(network, moment.released.mean(axis=1)),
        "available": stock - moment.backlog.mean(axis=1),
        "available_p10": low,
        "available_p50": middle,
        "available_p90": high,
        "shortage": moment.short.mean(axis=1),
        "stockout_probability": out.mean(axis=1),
        "backlog": moment.backlog.mean(axis=1),
        "holding_cost": supply.holding_cost * stock,
        "shortage_cost": supply.penalty * unmet.mean(axis=1),
        "ordering_cost": _per_node(network, options.order_cost[:, t] * placed.mean(axis=1)),
        "purchase_cost": _per_node(network, spent.mean(axis=1)),
    }
    return totals, column


def _per_node(network: Network, values: Floats) -> Floats:
    """[n] sums of values [m] over the options of an item-location."""
    return np.bincount(network.options.node, weights=values, minlength=len(network.nodes))


def _load(network: Network, released: Floats) -> Floats:
    """[r, S] hours that releases [m, S] of a bucket take."""
    loads = network.loads
    quantity = released[loads.option]
    load = np.zeros((len(network.resources), released.shape[1]))
    np.add.at(load, loads.resource, loads.hours[:, None] * quantity + loads.setup_hours[:, None] * (quantity > 0))
    return load
