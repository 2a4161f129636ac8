"""From a long table in a Parquet file to the engine's panel: which columns are drivers, which attributes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from services.forecast.engine.calendar import Frequency
from services.forecast.engine.panel import DriverDefinition, DriverKind, Gaps, Panel

KEYS = ["item", "location"]
LISTED = 0.9  # share of a life's periods with a row, from which on a period without one was not recorded


@dataclass(frozen=True)
class Contest:
    """What is forecast, how far ahead, and from how many origins."""

    table: pd.DataFrame
    frequency: Frequency
    horizon: int
    origins: int = 1
    known: Sequence[str] = ()
    past: Sequence[str] = ()

    @classmethod
    def read(
        cls,
        path: Path,
        frequency: Frequency,
        horizon: int,
        *,
        origins: int = 1,
        known: Sequence[str] = (),
        past: Sequence[str] = (),
        in_stock: bool = False,
    ) -> "Contest":
        """Raises ValueError for a column that is named but not there. Rows without a quantity are unknown demand."""
        table = pd.read_parquet(path)
        missing = {*KEYS, "period", "quantity", *known, *past, *(["in_stock"] if in_stock else [])} - set(table.columns)
        if missing:
            raise ValueError(f"columns missing: {sorted(missing)}")
        if not in_stock and "in_stock" in table.columns:
            table = table.drop(columns="in_stock")
        return cls(table.sort_values([*KEYS, "period"], ignore_index=True), frequency, horizon, origins, known, past)

    def panel(self) -> Panel:
        """All of the table as history, asking for the horizon after it."""
        usable = self.table.dropna(subset=["quantity"])
        demand = [*KEYS, "period", "quantity", *({"in_stock"} & set(usable.columns))]
        return Panel.from_long(
            usable[demand],
            frequency=self.frequency,
            horizon=self.horizon,
            gaps=gaps(self.table),
            last_period=self.table["period"].max().to_datetime64(),
            attributes=[self._attributes(usable)],
            drivers=[
                (definition(name, self.table[name], known_ahead=name in self.known), self._driver(name))
                for name in (*self.known, *self.past)
            ],
        )

    def _driver(self, name: str) -> pd.DataFrame:
        return self.table[[*KEYS, "period", name]].rename(columns={name: "value"})

    def _attributes(self, table: pd.DataFrame) -> pd.DataFrame:
        """Columns that stay the same over the life of every item-location."""
        taken = {*KEYS, "period", "quantity", "in_stock", *self.known, *self.past}
        rest = [column for column in table.columns if column not in taken]
        groups = table.groupby(KEYS, sort=False)
        steady = [column for column in rest if groups[column].nunique(dropna=False).max() == 1]
        return groups[[*steady]].first().reset_index() if steady else groups.size().reset_index()[KEYS]


def gaps(table: pd.DataFrame) -> Gaps:
    """What a period without a row means: no demand where only sales are listed, else that nothing was recorded.

    A table lists only sales where it has no row with demand 0 and many periods inside lives lack one.
    """
    if (table["quantity"] == 0).any():
        return "unknown"
    lives = table.groupby(KEYS)["period"].agg(["min", "max", "size"])
    steps = np.sort(table["period"].unique())
    length = np.searchsorted(steps, lives["max"]) - np.searchsorted(steps, lives["min"]) + 1
    return "unknown" if lives["size"].sum() >= LISTED * length.sum() else "zero"


def definition(name: str, values: pd.Series, *, known_ahead: bool) -> DriverDefinition:
    return DriverDefinition(name, _kind(name, values), known_ahead=known_ahead)


def _kind(name: str, values: pd.Series) -> DriverKind:
    """Kind by what the values look like: shares of a period are promotions, a price says so, the rest is economic."""
    if "price" in name.lower():
        return "price"
    known = values.dropna()
    return "promotion" if len(known) and known.between(0, 1).all() else "economic"
