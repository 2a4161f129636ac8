"""Stock that costs more to keep until it is used than it is worth."""

from dataclasses import dataclass

import numpy as np

from services.planner.engine.inputs import Floats, Supply
from services.planner.engine.lots import SLACK


@dataclass(frozen=True, slots=True)
class Excess:
    """All [n]; quantity 0 where there is none."""

    quantity: Floats  # units
    rate: Floats  # units asked for a bucket
    kept: Floats  # buckets for which a unit is worth keeping
    saved: Floats  # money: holding the quantity over the horizon


def excess(supply: Supply, mean: Floats, price: Floats, life: Floats) -> Excess:
    """Whole lots of stock beyond the demand of the buckets after which holding a unit has cost its price.

    mean [n, T] units; price [n] money that a unit is worth; life [n] buckets until it expires. What is asked for beyond
    the horizon is taken to be what is asked for in it. Receipts are no part of it: they can still be cancelled. What
    has no price is kept. Source: economic time supply, Silver, Pyke and Thomas, chapter 9, with no salvage value.
    """
    rate, kept = mean.mean(axis=1), np.minimum(price / supply.holding_cost, life)
    beyond = np.where(price > 0, np.maximum(supply.on_hand, 0) - rate * kept, 0)
    quantity = np.floor(np.maximum(beyond, 0) / supply.multiple + SLACK) * supply.multiple
    return Excess(quantity, rate, kept, supply.holding_cost * quantity * mean.shape[1])
