"""Sourcing rules as ways to supply: which holds in which bucket, at what price, in normal time or expedited."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from services.planner.engine.inputs import Bools, Floats, Ints
from services.planner.plans.buckets import Buckets

SOURCE = ["item", "location", "mode", "source"]
TERMS = [
    *SOURCE,
    "priority",
    "split",
    "lead_time",
    "lead_time_spread",
    "moq",
    "multiple",
    "max_quantity",
    "resource",
    "load_per_unit",
    "carbon_per_unit",
    "cancellable",
    "expedite_lead_time",
]
COLUMNS = [*TERMS[:-1], "expedited"]
MONEY = ["unit_cost", "order_cost", "expedite_surcharge"]


@dataclass(frozen=True)
class Options:
    """m ways to supply in the order of item, location and priority; T buckets of release."""

    frame: pd.DataFrame  # [m] COLUMNS; lead times in buckets, quantities in units
    unit_cost: Floats  # [m, T] money per unit
    order_cost: Floats  # [m, T] money per order
    effective: Bools  # [m, T] whether it holds for orders released in the bucket
    open: Bools  # [m, T] and its source takes them, save in the outages of a scenario

    @classmethod
    def of(cls, rules: pd.DataFrame, buckets: Buckets) -> "Options":
        """The options of rules that come in the order of their keys, as sourcing_rules."""
        rules = rules.astype(
            dict.fromkeys(("split", "max_quantity", "expedite_lead_time", "load_per_unit", "carbon_per_unit"), float)
            | dict.fromkeys(MONEY, float)
        )
        holds = _holds(rules, buckets)
        fast = rules["expedite_lead_time"].notna().to_numpy()
        dearer = rules.assign(unit_cost=rules["unit_cost"] + rules["expedite_surcharge"])
        return _sorted(_merged(rules, holds), _hurried(_merged(dearer[fast], holds[fast])))

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def keys(self) -> pd.MultiIndex:
        """[m] item, location that each supplies."""
        return pd.MultiIndex.from_frame(self.frame[["item", "location"]])

    def first(self, fence: Ints, review: Ints) -> Ints:
        """[m] first bucket from `fence` [m] on in which an order can be released; T where no rule holds.

        Where nothing that can be released comes in time for the next review [m] inside the horizon, but would without
        an outage, it is the bucket as if there were none: that is no fault of the data.
        """
        opens, holds = (_first(allowed, fence) for allowed in (self.open, self.effective))
        return np.where(self._late(opens, review), holds, opens)

    def closed(self, keys: pd.Index, usable: Bools) -> Bools:
        """[n, T] buckets in which none of the `usable` [m] options of an item-location can be released."""
        rows = keys.get_indexer(self.keys)
        mine = usable & (rows >= 0)
        opened = np.zeros((len(keys), self.open.shape[1]), dtype=bool)
        np.logical_or.at(opened, rows[mine], self.open[mine])
        return ~opened

    def preferred(self, usable: Bools, fence: Ints, review: Ints) -> Ints:
        """Places of one option per item-location, the one to order by first, of those that are `usable` [m].

        What brings its first order in time for the next review [m] inside the horizon precedes what does not, then come
        what can be released sooner, what is not expedited, lower priority numbers, and the lower price.
        """
        rows = np.flatnonzero(usable)
        periods = self.effective.shape[1]
        opens = _first(self.open, fence)
        late = self._late(opens, review)[rows]
        first = opens[rows]
        frame = self.frame.iloc[rows][["item", "location", "expedited", "priority"]]
        price = self.unit_cost[rows, np.minimum(first, periods - 1)]
        rank = frame.assign(late=late, first=first, price=price)
        order = rank.sort_values(["late", "first", "expedited", "priority", "price"], kind="stable")
        return np.sort(order.drop_duplicates(["item", "location"]).index.to_numpy(np.int64))

    def _late(self, release: Ints, review: Ints) -> Bools:
        """[m] whether what is released in bucket `release` [m] comes too late for the next review."""
        return np.asarray(release + self.frame["lead_time"].to_numpy(np.int64) + review > self.open.shape[1])


def _first(allowed: Bools, fence: Ints) -> Ints:
    """[m] first allowed [m, T] bucket from `fence` [m] on; T where there is none."""
    periods = allowed.shape[1]
    later = allowed & (np.arange(periods) >= fence[:, None])
    return np.where(later.any(axis=1), later.argmax(axis=1), periods)


def _merged(rules: pd.DataFrame, holds: Bools) -> Options:
    """Rows of one source that differ in dates and costs alone are one option with costs by bucket."""
    group = rules.groupby(TERMS, sort=False, dropna=False).ngroup().to_numpy(np.int64)
    _, first = np.unique(group, return_index=True)
    effective = np.zeros((len(first), holds.shape[1]), dtype=bool)
    np.logical_or.at(effective, group, holds)
    costs = []
    for name in ("unit_cost", "order_cost"):
        told = rules[name].to_numpy(np.float64)
        by_bucket = np.zeros(effective.shape)
        np.add.at(by_bucket, group, np.where(holds, told[:, None], 0.0))
        costs.append(np.where(effective, by_bucket, told[first, None]))
    frame = rules.iloc[first][TERMS].reset_index(drop=True).assign(expedited=False)
    return Options(frame, costs[0], costs[1], effective, effective)


def _hurried(options: Options) -> Options:
    """The same options with the expedited lead time, which is as sure as it is fast and has no share of its own."""
    lead_time = options.frame["expedite_lead_time"].astype(np.int64)
    changed = options.frame.assign(lead_time=lead_time, lead_time_spread=0.0, split=np.nan, expedited=True)
    return replace(options, frame=changed)


def _sorted(*parts: Options) -> Options:
    frame = pd.concat([part.frame[COLUMNS] for part in parts], ignore_index=True)
    order = frame.sort_values(["item", "location", "priority", "expedited", "mode", "source"]).index.to_numpy()
    effective = np.concatenate([part.effective for part in parts])[order]
    return Options(
        frame.iloc[order].reset_index(drop=True),
        np.concatenate([part.unit_cost for part in parts])[order],
        np.concatenate([part.order_cost for part in parts])[order],
        effective,
        effective,
    )


def _holds(rules: pd.DataFrame, buckets: Buckets) -> Bools:
    """[k, T] whether a rule is the one of its source for orders released in a bucket: the one that began last."""
    starts = np.array(buckets.periods, dtype="datetime64[D]")
    begin = np.array(rules["effective_from"].tolist(), dtype="datetime64[D]")[:, None]
    end = np.array(rules["effective_to"].tolist(), dtype="datetime64[D]")[:, None]
    holds: Bools = (begin <= starts) & (np.isnat(end) | (starts < end))
    source = rules.groupby(SOURCE, sort=False).ngroup().to_numpy(np.int64)
    several = np.flatnonzero(np.bincount(source, minlength=1)[source] > 1)
    taken: dict[int, Bools] = {}
    for row in several[::-1].tolist():
        later = taken.get(source[row], np.zeros(len(starts), dtype=bool))
        holds[row] &= ~later
        taken[source[row]] = later | holds[row]
    return holds
