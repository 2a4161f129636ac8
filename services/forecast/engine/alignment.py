"""From long tables, as an ERP sends them, to matrices aligned by series and bucket."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from services.forecast.engine.calendar import Calendar
from services.forecast.engine.cells import Dates, Floats, Ints

KEYS = ["item", "location"]


def days(periods: pd.Series) -> Dates:
    return pd.to_datetime(periods).to_numpy().astype("datetime64[D]")


def check_rows(table: pd.DataFrame, keys: list[str], value: str) -> None:
    """Raise ValueError for missing columns, an empty table, duplicate keys or values that are no number."""
    missing = {*keys, value} - set(table.columns)
    if missing:
        raise ValueError(f"columns missing: {sorted(missing)}")
    if table.empty:
        raise ValueError("the table has no rows")
    if table.duplicated(keys).any():
        raise ValueError(f"more than one row for the same {', '.join(keys)}")
    if np.isinf(table[value].to_numpy(dtype=np.float64)).any():
        raise ValueError(f"{value} must be finite")


def series_table(
    demand: pd.DataFrame, further: pd.DataFrame | None, attributes: Sequence[pd.DataFrame]
) -> pd.DataFrame:
    """Distinct item-locations sorted by item and location, with their attributes (NaN where unknown)."""
    listed = [demand[KEYS]] if further is None else [demand[KEYS], further[KEYS]]
    series = pd.concat(listed).drop_duplicates().sort_values(KEYS, ignore_index=True)
    for table in attributes:
        keys = [key for key in KEYS if key in table.columns]
        series = series.merge(table, on=keys, how="left", validate="many_to_one")
    return series


def demand_matrix(demand: pd.DataFrame, series: pd.DataFrame, calendar: Calendar, gaps: str) -> Floats:
    """Demand [n, T] in units, NaN before a series' first record and where it was out of stock."""
    quantity = demand["quantity"].to_numpy(dtype=np.float64)
    if np.isnan(quantity).any() or (quantity < 0).any():
        raise ValueError("quantity must be a number, not negative")
    rows, columns = _rows(demand, series, KEYS), calendar.index(days(demand["period"]))
    if (columns >= len(calendar.history)).any():
        raise ValueError("demand lies after the last period of history")
    matrix = np.full((len(series), len(calendar.history)), np.nan, dtype=np.float32)
    if gaps == "zero":
        first = np.full(len(series), len(calendar.history))
        np.minimum.at(first, rows, columns)
        matrix[np.arange(len(calendar.history)) >= first[:, None]] = 0.0
    matrix[rows, columns] = quantity
    if "in_stock" in demand.columns:
        out = ~demand["in_stock"].fillna(value=True).to_numpy(dtype=bool)
        matrix[rows[out], columns[out]] = np.nan
    return matrix


def driver_matrix(values: pd.DataFrame, series: pd.DataFrame, calendar: Calendar) -> Floats:
    """Driver values [n, T+H]; a table without item or location columns speaks for all of them.

    Rows outside the calendar's span or of other item-locations are left out.
    """
    keys = [key for key in KEYS if key in values.columns]
    check_rows(values, [*keys, "period"], "value")
    columns = calendar.index(days(values["period"]))
    if not keys:
        line = np.full((1, len(calendar)), np.nan, dtype=np.float32)
        _fill(line, np.zeros(len(values), dtype=np.intp), columns, values)
        return np.broadcast_to(line, (len(series), len(calendar)))
    scopes = series[keys].drop_duplicates(ignore_index=True)
    matrix = np.full((len(scopes), len(calendar)), np.nan, dtype=np.float32)
    _fill(matrix, _rows(values, scopes, keys), columns, values)
    return matrix[_rows(series, scopes, keys)]


def _fill(matrix: Floats, rows: Ints, columns: Ints, values: pd.DataFrame) -> None:
    inside = (rows >= 0) & (columns >= 0) & (columns < matrix.shape[1])
    matrix[rows[inside], columns[inside]] = values["value"].to_numpy(dtype=np.float32)[inside]


def _rows(table: pd.DataFrame, series: pd.DataFrame, keys: list[str]) -> Ints:
    """Row number in `series` of each row of `table`, -1 where there is none."""
    return pd.MultiIndex.from_frame(series[keys]).get_indexer(pd.MultiIndex.from_frame(table[keys]))
