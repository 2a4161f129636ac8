"""What each item-location of a plan is expected to sell for, what that costs, its value, and the carbon of releases."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from services.planner.engine.inputs import Floats
from services.planner.plans.inputs import Inputs
from services.planner.plans.network import usual_cost
from services.planner.plans.takeover import Planned


@dataclass(frozen=True)
class Sales:
    """All [m], means over the paths and sums over the horizon; NaN where no price, or no carbon, is known."""

    revenue: Floats  # money
    cost: Floats  # money: at unit cost, all that a unit is made of included
    carbon: Floats  # kg CO2e
    demand_value: Floats  # money: all demand, dependent demand included, at unit cost

    @classmethod
    def of(cls, known: Inputs, planned: Planned, measures: Mapping[str, Floats]) -> "Sales":
        """Of the rows that were computed; measures [m, T]: their lines."""
        fresh = planned.fresh
        if len(fresh) == 0:
            return cls(*np.zeros((4, 0)))
        waits = known.supply.backlog[fresh]
        wanted = (measures["demand"] - measures["dependent_demand"]).sum(axis=1)
        lost = np.where(waits, measures["backlog"][:, -1], measures["shortage"].sum(axis=1))
        served = np.maximum(wanted - lost, 0)
        price = known.terms["unit_price"].to_numpy(np.float64)[fresh]
        worth = values(known, planned)
        cost = np.where(np.isnan(price), np.nan, served * worth)
        return cls(served * price, cost, _carbon(known, planned, measures), measures["demand"].sum(axis=1) * worth)


def values(known: Inputs, planned: Planned) -> Floats:
    """[m] money that a unit is worth, by its cheapest source, all that it is made of included."""
    price = known.supply.price
    if planned.together is not None:
        price[planned.together.web.rows] = usual_cost(planned.together.web.network)
    return price[planned.fresh]


def _carbon(known: Inputs, planned: Planned, measures: Mapping[str, Floats]) -> Floats:
    rate = known.structure.options.frame["carbon_per_unit"].to_numpy(np.float64)
    found = measures["planned_releases"].sum(axis=1) * rate[known.terms["option"].to_numpy(np.int64)[planned.fresh]]
    if planned.together is not None:
        web = planned.together.web
        mine, released = rate[web.options], planned.together.plan.quantities.release.sum(axis=1)
        each = np.full(len(known.terms), np.nan)
        each[web.rows] = np.bincount(web.network.options.node, np.nan_to_num(mine) * released, len(web.rows))
        told = np.zeros(len(web.rows), dtype=bool)
        told[web.network.options.node[~np.isnan(mine)]] = True
        each[web.rows[~told]] = np.nan
        coupled = np.isin(planned.fresh, web.rows)
        found[coupled] = each[planned.fresh[coupled]]
    return np.asarray(found)
