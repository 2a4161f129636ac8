"""How many reviews one order lasts: what an ordering cost and a minimum lot are spread over."""

import numpy as np

from services.planner.engine.inputs import Floats, Ints, Supply


def cover(supply: Supply, mean: Floats) -> Ints:
    """[n, T] reviews that an order released in bucket t lasts, from mean demand [n, T]; at least 1.

    The Wagner-Whitin cover of the bucket in which it arrives or that of the smallest lot, whichever is longer. Demand
    goes on beyond the horizon as in `beyond`. Rows with a service target ask for the smallest order that reaches it,
    so their ordering cost enlarges nothing.
    """
    periods = mean.shape[1]
    further = np.concatenate([mean, beyond(mean, supply.lead_time + supply.review)], axis=1)
    arrivals = np.arange(periods) + supply.lead_time[:, None]
    rate = (np.cumsum(further, axis=1)[:, -1:] - np.cumsum(mean, axis=1) + mean) / (2 * periods - np.arange(periods))
    lot = (supply.first_lot * supply.multiple / supply.review)[:, None]
    lasting = np.floor(np.divide(lot, rate, out=np.ones_like(rate), where=rate > 0))
    economic = np.ones((len(mean), 2 * periods), dtype=np.int64)
    spread = (supply.order_cost > 0) & np.isnan(supply.service_target)
    part = supply.rows(spread)
    economic[spread] = setup_cover(part.order_cost, part.holding_cost, further[spread], part.review)[0]
    chosen = np.maximum(np.take_along_axis(economic, arrivals, axis=1), lasting)
    room = (periods - supply.arrival) // supply.review
    return np.asarray(np.minimum(chosen, room[:, None]), dtype=np.int64)


def setup_cover(order_cost: Floats, holding_cost: Floats, demand: Floats, review: Ints) -> tuple[Ints, Floats]:
    """Reviews [n, T] that an order arriving in bucket t covers in the cheapest plan of the rest, and its cost to go.

    order_cost, holding_cost, review: [n]; demand [n, T]: known, all of it to be met, stock held to a bucket's end is
    paid. Exact where deliveries are `review` buckets apart; the cost to go is [n, T + 1], 0 at the end.
    Source: Wagner and Whitin (1958), Dynamic version of the economic lot size model.
    """
    n, periods = demand.shape
    units = _from_zero(demand)
    weighted = _from_zero(demand * np.arange(periods))
    covers = np.ones((n, periods), dtype=np.int64)
    to_go = np.zeros((n, periods + 1))
    for t in reversed(range(periods)):
        ends = np.minimum(t + np.arange(1, periods - t + 1) * review[:, None], periods)
        held = np.take_along_axis(weighted, ends, axis=1) - weighted[:, t, None]
        held -= t * (np.take_along_axis(units, ends, axis=1) - units[:, t, None])
        costs = order_cost[:, None] + holding_cost[:, None] * held + np.take_along_axis(to_go, ends, axis=1)
        idle = np.take_along_axis(units, ends[:, :1], axis=1)[:, 0] == units[:, t]
        costs[:, 0] -= np.where(idle, order_cost, 0.0)  # nothing to deliver: nothing is ordered
        best = np.argmin(costs, axis=1)
        covers[:, t] = best + 1
        to_go[:, t] = costs[np.arange(n), best]
    return covers, to_go


def beyond(mean: Floats, tail: Ints) -> Floats:
    """[n, T] demand assumed for the T buckets after the horizon: the average of its last `tail` [n] buckets.

    With it a plan does not run its stock down towards the end of the horizon.
    """
    periods = mean.shape[1]
    last = np.arange(periods) >= periods - tail[:, None]
    return np.repeat((np.sum(mean * last, axis=1) / tail)[:, None], periods, axis=1)


def _from_zero(values: Floats) -> Floats:
    """Running sums along the buckets, 0 first."""
    return np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)
