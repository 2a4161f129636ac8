"""What an order came to on the demand that there was: one item-location, bucket by bucket."""

from dataclasses import dataclass

import numpy as np

from services.planner.engine.inputs import Floats


@dataclass(frozen=True, slots=True)
class Terms:
    """What a unit in stock and a unit short cost, money; one short is lost, or paid for each bucket that it waits."""

    holding: float
    penalty: float
    ordering: float  # of the order, if there is one
    backlog: bool


@dataclass(frozen=True, slots=True)
class Result:
    """Of the buckets that count."""

    cost: float  # holding, shortage and ordering
    short: float  # units not served in their bucket
    stock: float  # mean units at a bucket's end
    left: float  # units at the end of the last one; negative: backlog


def replay(stock: float, supply: Floats, demand: Floats, order: Floats, first: int, terms: Terms) -> Result:
    """Roll on from `stock` (negative: backlog) and count from bucket `first` on, at least one of T.

    supply, demand, order: [T] units, received at the start of a bucket or asked for in it.
    """
    state, cost, short, held = stock, terms.ordering * float(np.any(order > 0)), 0.0, 0.0
    for t in range(len(demand)):
        available = state + supply[t] + order[t]
        state = available - demand[t]
        missing = max(-state, 0.0)
        unserved = min(missing, float(demand[t]))
        if not terms.backlog:
            state = max(state, 0.0)
        if t >= first:
            unmet = missing if terms.backlog else unserved
            cost += terms.holding * max(state, 0.0) + terms.penalty * unmet
            short += unserved
            held += max(state, 0.0)
    return Result(float(cost), short, held / (len(demand) - first), float(state))
