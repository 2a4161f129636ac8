"""What the ways to supply take: components and other locations' stock, hours of resources."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd

from services.planner.engine.inputs import Bools, Floats, Ints
from services.planner.plans.buckets import Buckets
from services.planner.plans.options import Options
from services.planner.plans.snapshot import Snapshot

KEY = ["item", "location"]
LOAD = ["option", "resource", "hours", "setup_hours"]


@dataclass(frozen=True)
class Hours:
    """r resources over T buckets."""

    names: pd.Index  # [r]
    regular: Floats  # [r, T] hours
    overtime: Floats  # [r, T] hours
    overtime_cost: Floats  # [r] money per hour

    @classmethod
    def of(cls, snapshot: Snapshot, buckets: Buckets) -> Self:
        """The usual hours, and in buckets of which something is told the sum of that."""
        known = snapshot.resources
        names = pd.Index(known["resource"])
        told = np.zeros((len(names), len(buckets)), dtype=bool)
        sums = np.zeros((2, *told.shape))
        days = snapshot.capacity
        rows = names.get_indexer(pd.Index(days["resource"]))
        for row, day, *hours in zip(rows, days["day"], days["hours"], days["overtime_hours"], strict=True):
            bucket = buckets.number(day)
            if row >= 0 and bucket is not None and bucket >= 0:
                told[row, bucket] = True
                sums[:, row, bucket] += hours
        usual = known[["hours", "overtime_hours"]].astype(np.float64).fillna(0).to_numpy().T[:, :, None]
        regular, overtime = np.where(told, sums, usual)
        return cls(names, regular, overtime, known["overtime_cost"].to_numpy(np.float64))


@dataclass(frozen=True)
class Structure:
    """Options, and what each takes per unit that it brings; `option` is a place in them."""

    options: Options
    uses: pd.DataFrame  # option, item, location, quantity, offset
    loads: pd.DataFrame  # option, resource, hours, setup_hours
    hours: Hours

    @classmethod
    def of(cls, snapshot: Snapshot, buckets: Buckets) -> Self:
        options = Options.of(snapshot.rules, buckets)
        frame = options.frame.assign(option=range(len(options)))
        made = frame[frame["mode"] == "make"].rename(columns={"source": "process"})
        made = made[["option", "process", *KEY]].merge(snapshot.processes, on=["process", *KEY])
        loads = made.merge(snapshot.loads, on="process")
        loads = loads.assign(hours=loads["hours_per_unit"] / loads["yield_rate"])
        return cls(
            options=options,
            uses=pd.concat([_components(made, snapshot.components), _transfers(frame)], ignore_index=True),
            loads=pd.concat([loads[LOAD], _taken(frame)], ignore_index=True),
            hours=Hours.of(snapshot, buckets),
        )

    def reached(self, keys: pd.MultiIndex, usable: Bools) -> pd.MultiIndex:
        """The item-locations `keys` and all that `usable` [m] options of theirs take from, and so on down, by code."""
        used = pd.MultiIndex.from_frame(self.uses[KEY])
        option = self.uses["option"].to_numpy(np.int64)
        supplied = self.options.keys[option]
        while True:
            here = usable[option] & supplied.isin(keys) & ~used.isin(keys)
            if not np.any(here):
                return keys.sort_values()
            keys = keys.append(used[here].unique())

    def used(self, keys: pd.MultiIndex) -> Ints:
        """Places in `keys` of what each use takes; -1 where it is none of them."""
        return np.asarray(keys.get_indexer(pd.MultiIndex.from_frame(self.uses[KEY])), dtype=np.int64)


def _components(made: pd.DataFrame, components: pd.DataFrame) -> pd.DataFrame:
    uses = made.drop(columns="item").merge(components.rename(columns={"component": "item"}), on="process")
    good = (1 - uses["scrap_rate"]) * uses["yield_rate"]
    return uses.assign(quantity=uses["quantity_per"] / good)[["option", *KEY, "quantity", "offset"]]


def _taken(frame: pd.DataFrame) -> pd.DataFrame:
    """What rules themselves take of a resource, whatever they bring."""
    told = frame[frame["resource"].notna()]
    return told.rename(columns={"load_per_unit": "hours"}).assign(setup_hours=0.0)[LOAD]


def _transfers(frame: pd.DataFrame) -> pd.DataFrame:
    moved = frame[frame["mode"] == "transfer"]
    taken = moved[["option", "item"]].assign(location=moved["source"], quantity=1.0, offset=0)
    return taken[["option", *KEY, "quantity", "offset"]]
