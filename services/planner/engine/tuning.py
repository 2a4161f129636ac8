"""How much of the textbook safety stock the later releases carry: one factor per item-location, by simulated cost.

With lost sales or large lots the critical fractile overbuys (no closed form is known; Zipkin, 2008, Old and new
methods for lost-sales inventory systems). The first order needs no factor, because it is searched on the paths.
"""

import numpy as np

from services.planner.engine.inputs import Floats, Supply
from services.planner.engine.levels import Levels, with_safety
from services.planner.engine.policies import planned
from services.planner.engine.rollout import roll

FACTORS = (1.0, 0.75, 0.5, 0.25, 0.0, 1.25)  # the first wins ties
SAMPLED = 40  # paths that a factor is judged on


def tuned(supply: Supply, paths: np.ndarray, first: Floats, base: Levels) -> Levels:
    """The levels [n, T] whose safety-stock factor costs least, in holding, shortage and ordering, on some paths.

    Rows with a service target keep the factor 1: their safety stock is what was asked for.
    """
    few = paths[:, :SAMPLED]
    costs = [_cost(supply, few, first, with_safety(base, np.full(len(first), factor))) for factor in FACTORS]
    best = np.array(FACTORS)[np.argmin(costs, axis=0)]
    return with_safety(base, np.where(np.isfinite(supply.service_target), 1.0, best))


def _cost(supply: Supply, paths: np.ndarray, first: Floats, levels: Levels) -> Floats:
    """[n] mean cost over paths and the horizon, purchase aside."""
    total = np.zeros(len(first))
    for bucket in roll(supply, paths, planned(supply, first, levels)):
        unmet = np.where(supply.backlog[:, None], bucket.backlog, bucket.short)
        total += supply.holding_cost * bucket.stock.mean(axis=1) + supply.penalty * unmet.mean(axis=1)
        total += supply.order_cost * np.mean(bucket.released > 0, axis=1)
    return total
