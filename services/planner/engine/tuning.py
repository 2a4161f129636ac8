"""What the later releases of a plan should be, by simulated cost: how much safety stock they carry, and whether they pay.

With lost sales or large lots the critical fractile overbuys (no closed form is known; Zipkin, 2008, Old and new
methods for lost-sales inventory systems). The first order needs no factor, because it is searched on the paths.
"""

from dataclasses import dataclass

import numpy as np

from services.planner.engine.inputs import Bools, Floats, Supply
from services.planner.engine.levels import Levels, with_safety
from services.planner.engine.policies import planned
from services.planner.engine.rollout import Policy, roll

FACTORS = (1.0, 0.75, 0.5, 0.25, 0.0, 1.25)  # the first wins ties
SAMPLED = 40  # paths that a choice is judged on


@dataclass(frozen=True, slots=True)
class Tuned:
    """The chosen rule of later releases, and the first order, which is dropped where nothing at all pays."""

    first: Floats  # [n] units
    levels: Levels
    later: Bools  # [n] releases after the first are made


def tuned(supply: Supply, paths: np.ndarray, first: Floats, base: Levels) -> Tuned:
    """The choice that costs least, in holding, shortage and ordering, on some of the paths [n, S, T].

    Choices: a factor on the safety stock, no later release, and no order at all. Rows with a service target keep the
    factor 1 and their orders: they are what was asked for.
    """
    few = paths[:, :SAMPLED]
    costs = _costs(supply, few, first, base)
    best = np.where(np.isfinite(supply.service_target), 0, np.argmin(costs, axis=0))
    never, idle = len(FACTORS), len(FACTORS) + 1
    factor = np.array([*FACTORS, 1.0, 1.0])[best]
    return Tuned(
        first=np.where(best == idle, 0.0, first),
        levels=with_safety(base, factor),
        later=best < never,
    )


def _costs(supply: Supply, few: np.ndarray, first: Floats, base: Levels) -> Floats:
    """[choices, n] mean cost over the paths and the horizon, purchase aside."""
    choices = len(FACTORS) + 2
    n = len(first)
    rows = np.tile(np.arange(n), choices)
    choice = np.repeat(np.arange(choices), n)
    every = supply.rows(rows)
    same = Levels(base.safety_stock[rows], base.reorder_point[rows], base.order_up_to[rows])
    levels = with_safety(same, np.array([*FACTORS, 1.0, 1.0])[choice])
    policy = planned(every, np.where(choice <= len(FACTORS), first[rows], 0.0), levels, choice < len(FACTORS))
    by_bucket = np.tile(few.transpose(2, 0, 1), (1, choices, 1))
    return _cost(every, by_bucket.transpose(1, 2, 0), policy).reshape(choices, n)


def _cost(supply: Supply, paths: np.ndarray, policy: Policy) -> Floats:
    """[n] mean over paths and the horizon, purchase aside."""
    stock, unmet, orders = (np.zeros(paths.shape[:2], dtype=paths.dtype) for _ in range(3))
    for bucket in roll(supply, paths, policy):
        stock += bucket.stock
        unmet += bucket.unmet
        orders += bucket.released > 0
    stocked, short, ordered = (units.mean(axis=1, dtype=np.float64) for units in (stock, unmet, orders))
    return np.asarray(supply.holding_cost * stocked + supply.penalty * short + supply.order_cost * ordered)
