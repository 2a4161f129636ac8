"""The later releases of a plan, by simulated cost: how much safety stock they carry, and whether they pay at all.

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
CHOICES = np.array([*FACTORS, 1.0])  # the last is no later release
SAMPLED = 40  # paths that a choice is judged on


@dataclass(frozen=True, slots=True)
class Later:
    """The rule of the releases after the first."""

    levels: Levels
    pays: Bools  # [n] they are made


def tuned(supply: Supply, paths: np.ndarray, first: Floats, base: Levels) -> Later:
    """The rule that costs least, in holding, shortage, ordering and waste, on some of the paths [n, S, T].

    Rows with a target keep the factor 1: their safety stock is what was asked for.
    """
    costs = _costs(supply, paths[:, :SAMPLED], first, base)
    best = np.where(supply.targeted, 0, np.argmin(costs, axis=0))
    return Later(with_safety(base, CHOICES[best]), best < len(FACTORS))


def _costs(supply: Supply, few: np.ndarray, first: Floats, base: Levels) -> Floats:
    """[choices, n] mean cost over the paths and the horizon, purchase aside."""
    n = len(first)
    rows = np.tile(np.arange(n), len(CHOICES))
    choice = np.repeat(np.arange(len(CHOICES)), n)
    every = supply.rows(rows)
    same = Levels(base.safety_stock[rows], base.reorder_point[rows], base.order_up_to[rows])
    policy = planned(every, first[rows], with_safety(same, CHOICES[choice]), choice < len(FACTORS))
    by_bucket = np.tile(few.transpose(2, 0, 1), (1, len(CHOICES), 1))
    return _cost(every, by_bucket.transpose(1, 2, 0), policy).reshape(len(CHOICES), n)


def _cost(supply: Supply, paths: np.ndarray, policy: Policy) -> Floats:
    """[n] mean over paths and the horizon, purchase aside."""
    stock, unmet = (np.zeros(paths.shape[:2], dtype=paths.dtype) for _ in range(2))
    other = np.zeros(len(paths))
    perishable = np.any(supply.shelf_life <= paths.shape[2])
    for t, bucket in enumerate(roll(supply, paths, policy)):
        stock += bucket.stock
        unmet += bucket.unmet
        other += supply.order_cost[:, t] * np.mean(bucket.released > 0, axis=1)
        if perishable:
            other += supply.price * np.mean(bucket.wasted, axis=1, dtype=np.float64)
    stocked, short = (units.mean(axis=1, dtype=np.float64) for units in (stock, unmet))
    return np.asarray(supply.holding_cost * stocked + supply.penalty * short + other)
