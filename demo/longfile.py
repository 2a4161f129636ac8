"""Anybody's long table: one row an item, location and period, as CSV or Parquet."""

import math
import re
from pathlib import Path

import pandas as pd

from demo.dataset import Dataset, Driver

ALIASES = {
    "item": ("item", "sku", "product", "item_id", "unique_id", "id"),
    "location": ("location", "store", "site", "warehouse", "store_id"),
    "period": ("period", "date", "ds", "week", "month", "day"),
    "quantity": ("quantity", "demand", "sales", "units", "y", "value"),
    "in_stock": ("in_stock",),
}
CODES = ["item", "location"]
HORIZON = {"D": 28, "W": 13, "M": 12}


def load(path: Path, currency: str = "USD") -> Dataset:
    """The file as a data set: columns found by name, frequency by the gaps between periods.

    Numeric columns beyond those become drivers whose future is unknown. Exits with a sentence where a column is
    missing or a value cannot be planned.
    """
    raw = _read(path)
    found = {name: _column(raw, name) for name in ALIASES}
    missing = [name for name in ("item", "period", "quantity") if found[name] is None]
    if missing:
        raise SystemExit(f"{path.name}: no column for {', '.join(missing)}; columns are {', '.join(map(str, raw))}.")
    table = raw.rename(columns={column: name for name, column in found.items() if column is not None})
    table["location"] = table.get("location", "all")
    table["period"] = pd.to_datetime(table["period"], errors="coerce").dt.tz_localize(None).dt.normalize()
    table["quantity"] = pd.to_numeric(table["quantity"], errors="coerce")
    _check(path, table)
    table[CODES] = table[CODES].astype(str)
    frequency = _frequency(table["period"])
    if frequency == "M":
        table["period"] = table["period"].dt.to_period("M").dt.to_timestamp()
        _check_keys(path, table)
    kept = ["item", "location", "period", "quantity"] + (["in_stock"] if "in_stock" in table else [])
    return Dataset(
        title=f"{path.name}: {len(table):,} rows, {table.groupby(['item', 'location']).ngroups:,} item-locations",
        area="demo-" + re.sub(r"[^A-Za-z0-9._-]", "-", path.stem)[:50],
        frequency=frequency,
        week_start=_weekday(table["period"]) if frequency == "W" else 1,
        horizon=HORIZON[frequency],
        currency=currency,
        demand=table[kept],
        drivers=_drivers(table, set(kept) | {"in_stock"}),
    )


def _read(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise SystemExit(f"There is no file {path}.")
    try:
        return pd.read_parquet(path) if path.suffix == ".parquet" else _read_csv(path)
    except ValueError:
        raise SystemExit(f"{path.name} cannot be read as the table that its name says it is.") from None


def _read_csv(path: Path) -> pd.DataFrame:
    """Codes stay text: 007 is not 7, and NA is a code."""
    table = pd.read_csv(path)
    named = [column for column in (_column(table, name) for name in CODES) if column is not None]
    if named:
        table[named] = pd.read_csv(path, usecols=named, dtype=str, keep_default_na=False, na_values=[""])
    return table


def _column(table: pd.DataFrame, name: str) -> str | None:
    by_lower = {str(column).lower(): str(column) for column in table}
    return next((by_lower[alias] for alias in ALIASES[name] if alias in by_lower), None)


def _check(path: Path, table: pd.DataFrame) -> None:
    if table[[*CODES, "period"]].isna().any(axis=None):
        raise SystemExit(f"{path.name}: every row needs an item, a location if that is a column, and a date.")
    if not table["quantity"].between(0, math.inf, inclusive="left").all():
        raise SystemExit(f"{path.name}: quantities must be numbers of at least 0 (net returns beforehand).")
    _check_keys(path, table)


def _check_keys(path: Path, table: pd.DataFrame) -> None:
    if table.duplicated([*CODES, "period"]).any():
        raise SystemExit(f"{path.name}: some item, location and period come twice.")


def _frequency(periods: pd.Series) -> str:
    gaps = periods.drop_duplicates().sort_values().diff().dt.days.dropna()
    if gaps.empty:
        raise SystemExit("One period is no history.")
    usual = gaps.median()
    return "D" if usual < 7 else "W" if usual < 28 else "M"


def _weekday(periods: pd.Series) -> int:
    """The ISO weekday on which the weeks begin; all must agree."""
    days = periods.dt.isocalendar().day.unique()
    if len(days) > 1:
        raise SystemExit("Weekly periods must all fall on one day of the week.")
    return int(days[0])


def _drivers(table: pd.DataFrame, taken: set[str]) -> list[Driver]:
    numeric = [column for column in table.select_dtypes("number") if column not in taken]
    return [_driver(table, str(column)) for column in numeric]


def _driver(table: pd.DataFrame, column: str) -> Driver:
    values = table[["item", "location", "period", column]].rename(columns={column: "value"}).dropna()
    name = re.sub(r"[^A-Za-z0-9._-]", "-", column)[:64]
    return Driver(name, "economic", known_ahead=False, scope="item-location", values=values)
