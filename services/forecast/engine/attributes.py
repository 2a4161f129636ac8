"""Item, location and their attributes as numbers that a tree can split on; never the series itself."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from services.forecast.engine.cells import Bools, Floats

_SERIES_PER_CODE = 2  # an item or location code that names fewer series would name the series itself


@dataclass(frozen=True)
class Codes:
    """Known values of each attribute in sorted order; numeric attributes have none and stay numbers."""

    values: dict[str, tuple[str, ...] | None]

    @classmethod
    def of(cls, series: pd.DataFrame) -> "Codes":
        columns = [column for column in series.columns if _tells_groups_apart(column, series[column])]
        return cls({column: _distinct(series[column]) for column in columns})

    def encode(self, series: pd.DataFrame) -> dict[str, Floats]:
        """One float array [n] per attribute: its rank among the known values, NaN where unseen or missing."""
        return {name: self._encode(series, name) for name in self.values}

    def unseen(self, series: pd.DataFrame) -> Bools:
        """Series [n] with an attribute value that was not there in training."""
        found = np.zeros(len(series), dtype=bool)
        for name, values in self.values.items():
            if values is not None and name in series.columns:
                found |= series[name].notna().to_numpy() & np.isnan(self._encode(series, name))
        return found

    def _encode(self, series: pd.DataFrame, name: str) -> Floats:
        if name not in series.columns:
            return np.full(len(series), np.nan, dtype=np.float32)
        values = self.values[name]
        if values is None:
            return pd.to_numeric(series[name], errors="coerce").to_numpy(dtype=np.float32, na_value=np.nan)
        codes = pd.Index(values).get_indexer(pd.Index(series[name].astype(str)))
        return np.where(codes >= 0, codes, np.nan).astype(np.float32)


def _tells_groups_apart(name: str, column: pd.Series) -> bool:
    distinct = column.nunique()
    if name in ("item", "location"):
        return bool(1 < distinct <= len(column) / _SERIES_PER_CODE)
    return bool(distinct > 1)


def _distinct(column: pd.Series) -> tuple[str, ...] | None:
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return None
    return tuple(sorted(column.dropna().astype(str).unique()))
