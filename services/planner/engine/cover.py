"""How many reviews one order lasts: what an ordering cost and a minimum lot are spread over."""

import numpy as np

from services.planner.engine.dynamic import wagner_whitin
from services.planner.engine.inputs import Floats, Ints, Supply


def cover(supply: Supply, mean: Floats) -> Ints:
    """[n, T] reviews that an order released in bucket t lasts, from mean demand [n, T]; at least 1.

    The Wagner-Whitin cover of the bucket in which it arrives or that of the smallest lot, whichever is longer. Demand
    goes on beyond the horizon as in `beyond`. Rows with a target ask for the smallest order that reaches it,
    so their ordering cost enlarges nothing.
    """
    periods = mean.shape[1]
    further = np.concatenate([mean, beyond(mean, supply.lead_time + supply.review)], axis=1)
    arrivals = np.arange(periods) + supply.lead_time[:, None]
    rate = (np.cumsum(further, axis=1)[:, -1:] - np.cumsum(mean, axis=1) + mean) / (2 * periods - np.arange(periods))
    lot = (supply.first_lot * supply.multiple / supply.review)[:, None]
    lasting = np.floor(np.divide(lot, rate, out=np.ones_like(rate), where=rate > 0))
    economic = np.ones((len(mean), 2 * periods), dtype=np.int64)
    dear, surcharge = supply.order_cost, supply.surcharge
    spread = np.any((dear > 0) | (surcharge > 0), axis=1) & ~supply.targeted
    placed = np.clip(np.arange(2 * periods) - supply.lead_time[spread, None], 0, periods - 1)
    per_order, per_unit = (np.take_along_axis(costs[spread], placed, axis=1) for costs in (dear, surcharge))
    part = supply.rows(spread)
    economic[spread] = wagner_whitin(per_order, part.holding_cost, further[spread], per_unit, part.review)[0]
    chosen = np.maximum(np.take_along_axis(economic, arrivals, axis=1), lasting)
    room = (periods - supply.arrival) // supply.review
    return np.asarray(np.minimum(chosen, room[:, None]), dtype=np.int64)


def beyond(mean: Floats, tail: Ints) -> Floats:
    """[n, T] demand assumed for the T buckets after the horizon: the average of its last `tail` [n] buckets.

    With it a plan does not run its stock down towards the end of the horizon.
    """
    periods = mean.shape[1]
    last = np.arange(periods) >= periods - tail[:, None]
    return np.repeat((np.sum(mean * last, axis=1) / tail)[:, None], periods, axis=1)
