"""What stock is there at the as-of instant, beside what was asked for and what is expected to be."""

from dataclasses import dataclass

import numpy as np

from services.planner.engine.inputs import Demand, Floats, Supply


@dataclass(frozen=True, slots=True)
class Assets:
    """Sums over item-locations, in money at unit cost; periods are buckets."""

    stock: float  # on hand, less what is reserved
    past_demand: float  # of `past_periods` before the as-of instant
    past_periods: int
    expected_demand: float  # mean over the horizon
    periods: int
    cover: float  # periods of expected demand that the stock lasts, weighted by its value; the horizon at most
    excess: float  # stock beyond the mean demand of the horizon, obsolete stock aside
    obsolete: float  # stock of what was not asked for and is not expected to be


def assets(supply: Supply, demand: Demand) -> Assets:
    """Value the stock of n item-locations. Backlog is no stock."""
    stock = np.maximum(supply.on_hand, 0)
    value = supply.price * stock
    expected, past = demand.mean.sum(axis=1), demand.recent.sum(axis=1)
    idle = (expected == 0) & (past == 0)
    total = float(value.sum())
    return Assets(
        stock=total,
        past_demand=float(supply.price @ past),
        past_periods=demand.recent.shape[1],
        expected_demand=float(supply.price @ expected),
        periods=demand.mean.shape[1],
        cover=float(value @ forward_cover(stock, demand.mean) / total) if total > 0 else 0.0,
        excess=float(supply.price @ np.where(idle, 0, np.maximum(stock - expected, 0))),
        obsolete=float(value @ idle),
    )


def forward_cover(stock: Floats, mean: Floats) -> Floats:
    """[n] periods of demand mean [n, T] that stock [n] lasts, the last one in part, T at most.

    Source: periods of supply by running out, e.g. Silver, Pyke and Thomas, chapter 9.
    """
    gone = np.cumsum(mean, axis=1)
    before = gone - mean
    with np.errstate(over="ignore"):  # hardly any demand: beyond all measure is clipped to 1
        share = np.divide(stock[:, None] - before, mean, out=np.zeros_like(mean), where=mean > 0)
    return np.asarray(np.where(stock[:, None] >= gone, 1.0, np.clip(share, 0, 1)).sum(axis=1))
