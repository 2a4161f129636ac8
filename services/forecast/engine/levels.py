"""Levels of aggregation of a panel's item-locations, and the demand of their nodes."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from services.forecast.engine.cells import Floats, Ints

TOTAL = "total"


@dataclass(frozen=True)
class Level:
    """`node` [n] numbers each item-location's node, 0 to N - 1; `names` [N] are the nodes' own, sorted."""

    name: str
    node: Ints
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)

    @property
    def sizes(self) -> Ints:
        """How many item-locations each node has, [N]."""
        found: Ints = np.bincount(self.node, minlength=len(self))
        return found

    def sums(self, values: Floats) -> Floats:
        """Sum [n, T] or [n] over the item-locations of each node, [N, T] or [N]; what is unknown adds nothing."""
        if values.ndim == 1:
            return np.bincount(self.node, np.nan_to_num(values), len(self))
        n = len(self.node)
        members = csr_array((np.ones(n), (self.node, np.arange(n))), shape=(len(self), n))
        found: Floats = members @ np.nan_to_num(values).astype(np.float64)
        return found


def all_levels(series: pd.DataFrame) -> list[Level]:
    """The total and every column of `series`, coarsest first; item-locations without a value are the node "" ."""
    found = [Level(TOTAL, np.zeros(len(series), dtype=np.intp), (TOTAL,))]
    found += [_level(column, series[column]) for column in series.columns if column != TOTAL]
    return sorted(found, key=len)


def levels(series: pd.DataFrame) -> list[Level]:
    """The total and the levels that lie between it and the item-locations, coarsest first."""
    total, *others = all_levels(series)
    return [total, *(level for level in others if 1 < len(level) < len(series))]


def _level(name: str, column: pd.Series) -> Level:
    values = column.astype(object).where(column.notna(), "").astype(str)
    names, node = np.unique(values.to_numpy(dtype=str), return_inverse=True)
    return Level(name, node.astype(np.intp), tuple(names.tolist()))
