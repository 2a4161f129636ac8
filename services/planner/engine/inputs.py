"""What the planner's engine reads: one row per item-location, buckets t = 0..T-1 from the as-of instant.

A receipt of bucket t is available at the start of t, before its demand; a release in t arrives in t + lead time, so a
lead time of 0 arrives at once. Costs fall on the bucket's end; purchase and ordering cost count at release.
"""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]
type Bools = NDArray[np.bool_]

ENDLESS = 1_000_000  # buckets of shelf life, more than any horizon has


def implied_penalty(holding_cost: Floats, fractile: Floats, review: Ints, backlog: Bools) -> Floats:
    """The shortage cost at which a fractile is the critical one: the inverse of `Supply.fractile`. Shapes broadcast."""
    return holding_cost * (fractile / (1 - fractile)) * np.where(backlog, 1, review)


@dataclass(frozen=True, kw_only=True, slots=True)
class Supply:
    """Stock, lead times, lots and costs of n item-locations; raises ValueError where a value makes no sense.

    Exactly one of `shortage_cost`, `service_target` and `fill_target` is given per row, the others are NaN.
    `shortage_cost` is what one unit short costs *beyond* its purchase price: once per lost unit, or per unit and bucket
    of backlog.
    """

    on_hand: Floats  # [n] units at the as-of instant; negative = backlog brought in
    receipts: Floats  # [n, T] scheduled receipts, units
    lead_time: Ints  # [n] buckets from release to receipt, >= 0
    lead_spread: Floats  # [n] standard deviation of the lead time, buckets
    review: Ints  # [n] buckets between chances to order, >= 1
    fence: Ints  # [n] frozen buckets: the first release is in bucket `fence`
    moq: Floats  # [n] smallest order, units
    multiple: Floats  # [n] lot multiple, units, > 0
    max_qty: Floats  # [n] largest order, units; inf = none
    unit_cost: Floats  # [n, T] money per unit, by bucket of release
    order_cost: Floats  # [n, T] money per order, by bucket of release
    holding_cost: Floats  # [n] money per unit and bucket, > 0
    shortage_cost: Floats  # [n] money per lost unit, or per unit and bucket of backlog; NaN = service target
    service_target: Floats  # [n] P(no stock-out between deliveries), inside (0, 1); NaN = none
    fill_target: Floats  # [n] share of demand served from stock between deliveries, inside (0, 1); NaN = none
    backlog: Bools  # [n] True: unmet demand waits; False: it is lost
    shelf_life: Ints  # [n] buckets in which a unit can be used from its receipt on; above T = without end
    closed: Bools  # [n, T] buckets in which nothing can be released, as the supplier does not deliver

    def __post_init__(self) -> None:
        with np.errstate(divide="ignore", invalid="ignore"):
            rules = self._rules()
        _require(rules)

    def rows(self, index: slice | Ints | Bools) -> Self:
        """Return the same inputs for some rows."""
        return type(self)(**{field.name: getattr(self, field.name)[index] for field in fields(self)})

    @property
    def arrival(self) -> Ints:
        """[n] bucket in which the first order that can still be released is received."""
        return self.fence + self.lead_time

    @property
    def price(self) -> Floats:
        """[n] money per unit of the first release, which stock is valued at."""
        return self._first(self.unit_cost)

    @property
    def ordering(self) -> Floats:
        """[n] money per order of the first release."""
        return self._first(self.order_cost)

    @property
    def surcharge(self) -> Floats:
        """[n, T] money per unit above the lowest price at which anything can be bought.

        What is bought keeps the value of the lowest price: a plan buys ahead of a rise, but not for its own sake.
        """
        able = ~self.closed & (np.arange(self.closed.shape[1]) >= self.fence[:, None])
        lowest = np.min(self.unit_cost, axis=1, where=able, initial=np.inf)
        return np.where(able, self.unit_cost - np.where(np.isfinite(lowest), lowest, 0.0)[:, None], 0.0)

    @property
    def rise(self) -> Floats:
        """[n] money per unit by which the price of the next release exceeds that of the first; negative: it falls."""
        after = np.minimum(self.fence + self.gap, self.unit_cost.shape[1] - 1)
        return np.asarray(self.unit_cost[np.arange(len(after)), after] - self.price)

    @property
    def dated(self) -> Bools:
        """[n] whether costs of buying change within the horizon."""
        return np.any((self.unit_cost != self.unit_cost[:, :1]) | (self.order_cost != self.order_cost[:, :1]), axis=1)

    def _first(self, values: Floats) -> Floats:
        return np.asarray(values[np.arange(len(values)), np.minimum(self.fence, values.shape[1] - 1)])

    @property
    def gap(self) -> Ints:
        """[n] buckets from the first release to the next review that is not closed, as far as the horizon reaches."""
        periods = self.receipts.shape[1]
        rows = np.arange(len(self.fence))
        found = periods - self.arrival
        for review in range(periods, 0, -1):
            later = review * self.review
            at = self.fence + later
            opened = (later < found) & (at < periods) & ~self.closed[rows, np.minimum(at, periods - 1)]
            found = np.where(opened, later, found)
        return np.asarray(found, dtype=np.int64)

    @property
    def first_lot(self) -> Ints:
        """[n] smallest order in lots of `multiple`."""
        return np.maximum(np.ceil(self.moq / self.multiple - 1e-9), 1).astype(np.int64)

    @property
    def last_lot(self) -> Ints:
        """[n] largest order in lots of `multiple`."""
        lots = np.floor(np.minimum(self.max_qty / self.multiple, 2.0**52) + 1e-9)
        return lots.astype(np.int64)

    @property
    def targeted(self) -> Bools:
        """[n] whether service is asked for, not what shortage costs."""
        return np.isfinite(self.service_target) | np.isfinite(self.fill_target)

    @property
    def penalty(self) -> Floats:
        """[n] shortage cost as given, or the one at which the target would be the critical fractile."""
        target = np.where(np.isfinite(self.service_target), self.service_target, self.fill_target)
        implied = implied_penalty(self.holding_cost, target, self.review, self.backlog)
        return np.where(np.isfinite(self.shortage_cost), self.shortage_cost, implied)

    @property
    def fractile(self) -> Floats:
        """[n] critical fractile: penalty / (penalty + cost of holding a unit until the next delivery).

        A backlogged unit is paid for each bucket, as a held one is; a lost unit is paid for once, an unsold one in
        each bucket of the review period. Source: newsvendor, e.g. Snyder and Shen, chapter 4.
        """
        over = self.holding_cost * np.where(self.backlog, 1, self.review)
        return self.penalty / (self.penalty + over)

    def _rules(self) -> dict[str, Bools]:
        """What must hold, per row; a rule may assume those before it."""
        given, asked, filled = (
            np.isfinite(each) for each in (self.shortage_cost, self.service_target, self.fill_target)
        )
        told = given.astype(np.int64) + asked + filled
        return {
            "lead_time, fence >= 0": (self.lead_time >= 0) & (self.fence >= 0),
            "review >= 1": self.review >= 1,
            "shelf_life >= 1": self.shelf_life >= 1,
            "multiple > 0": (self.multiple > 0) & np.isfinite(self.multiple),
            "holding_cost > 0": (self.holding_cost > 0) & np.isfinite(self.holding_cost),
            "unit_cost, order_cost >= 0": np.all((self.unit_cost >= 0) & (self.order_cost >= 0), axis=1),
            "unit_cost, order_cost are finite": np.all(np.isfinite(self.unit_cost + self.order_cost), axis=1),
            "a lot between moq and max_qty": (self.moq >= 0) & (self.first_lot <= self.last_lot),
            "one of shortage_cost, service_target, fill_target": told == 1,
            "lead_spread >= 0": (self.lead_spread >= 0) & np.isfinite(self.lead_spread),
            "shortage_cost >= 0": ~given | (self.shortage_cost >= 0),
            "service_target inside (0, 1)": ~asked | ((self.service_target > 0) & (self.service_target < 1)),
            "fill_target inside (0, 1)": ~filled | ((self.fill_target > 0) & (self.fill_target < 1)),
            "on_hand >= 0 where sales are lost": self.backlog | (self.on_hand >= 0),
            "on_hand is finite": np.isfinite(self.on_hand),
            "receipts >= 0": np.all(self.receipts >= 0, axis=1),
            "fence + lead_time + review <= T": self.arrival + self.review <= self.receipts.shape[1],
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Demand:
    """The forecast to plan on: marginal quantiles, mean and what joins them; raises ValueError as Supply does."""

    levels: Floats  # [K] probabilities, ascending
    grid: Floats  # [n, T, K] quantiles, units
    mean: Floats  # [n, T] units
    rho: Floats  # [n] correlation between two buckets' normal scores, 0..1
    seeds: NDArray[np.uint64]  # [n] one per item-location, see shared.paths.series_seeds
    recent: Floats  # [n, H] last H periods of demand, oldest first, units: what the benchmark policy averages

    def __post_init__(self) -> None:
        shape = (*self.mean.shape, len(self.levels))
        if self.grid.shape != shape or self.recent.shape[1:] == (0,):
            raise ValueError(f"the grid is {self.grid.shape} in place of {shape}, or there is no recent demand")
        rules = {
            "mean is finite and >= 0": np.all(np.isfinite(self.mean) & (self.mean >= 0), axis=1),
            "quantiles are finite": np.all(np.isfinite(self.grid), axis=(1, 2)),
            "recent demand is finite and >= 0": np.all(np.isfinite(self.recent) & (self.recent >= 0), axis=1),
            "rho inside [0, 1]": (self.rho >= 0) & (self.rho <= 1),
        }
        _require(rules)

    @property
    def certain(self) -> Bools:
        """[n] whether every quantile is the mean."""
        return np.all(self.grid == self.mean[:, :, None], axis=(1, 2))

    def rows(self, index: slice | Ints | Bools) -> Self:
        """Return the same forecast for some rows."""
        return type(self)(
            levels=self.levels,
            grid=self.grid[index],
            mean=self.mean[index],
            rho=self.rho[index],
            seeds=self.seeds[index],
            recent=self.recent[index],
        )


def _require(rules: dict[str, Bools]) -> None:
    for rule, holds in rules.items():
        if not np.all(holds):
            raise ValueError(f"{rule} does not hold in row {int(np.argmin(holds))}")
