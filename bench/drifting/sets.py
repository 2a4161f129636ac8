"""Three real sets as panels: Stallion by month, Walmart's stores and Dominick's orange juice by week; a made one."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bench.contest import synthetic
from bench.contest.panel import Contest
from services.forecast.engine.calendar import Frequency
from services.forecast.engine.panel import Panel

FEWEST = 0.9  # of all periods, that a series of Dominick's must have to be judged


@dataclass(frozen=True)
class Set:
    """name; lag: periods from a forecast's origin to the period judged; the driver that dies.

    trained, watched: share of all periods after which the model is trained, and after which changes may happen: what
    lies between calibrates thresholds.
    """

    name: str
    frequency: Frequency
    lag: int
    known: tuple[str, ...]
    past: tuple[str, ...]
    dying: str
    read: Callable[[Path], pd.DataFrame]
    trained: float = 0.5
    watched: float = 0.7

    def panel(self, data: Path, half: int, most: int) -> Panel:
        """Every other series (0 or 1), at most `most` of them; all periods as history."""
        table = self.read(data)
        number = table.groupby(["item", "location"], sort=True).ngroup()
        kept = (number % 2 == half) & (number // 2 % max(1, round((number.max() + 1) / 2 / most)) == 0)
        table = table[kept].sort_values(["item", "location", "period"], ignore_index=True)
        return Contest(table, self.frequency, self.lag, known=self.known, past=self.past).panel()


def _stallion(data: Path) -> pd.DataFrame:
    table = pd.read_parquet(data / "stallion" / "stallion.parquet")
    table = table.rename(columns={"sku": "item", "agency": "location", "date": "period", "volume": "quantity"})
    table["promotion"] = table["discount_in_percent"] / 100
    table["easter_or_christmas"] = table[["easter_day", "christmas"]].max(axis=1)
    columns = ["item", "location", "period", "quantity", "price_regular", "promotion", "easter_or_christmas"]
    return table[columns]


def _walmart(data: Path) -> pd.DataFrame:
    table = pd.read_parquet(data / "walmart_store_weekly" / "store45_weekly.parquet")
    found = table.rename(columns={"Store": "location", "Date": "period", "Weekly_Sales": "quantity"})
    found["item"] = "all"
    found["location"] = found["location"].map("store-{:02d}".format)
    found = found.rename(columns={"Holiday_Flag": "holiday", "Temperature": "temperature"})
    return found[["item", "location", "period", "quantity", "holiday", "temperature"]]


def _dominicks(data: Path) -> pd.DataFrame:
    table = pd.read_parquet(data / "dominicks_oj" / "oj_weekly.parquet")
    prices = table[[f"price{brand}" for brand in range(1, 12)]].to_numpy()
    found = pd.DataFrame(
        {
            "item": table["brand"].map("brand-{:02d}".format),
            "location": table["store"].map("store-{:03d}".format),
            "period": table["week_start"],
            "quantity": table["units"].astype(float),
            "price": prices[np.arange(len(table)), table["brand"].to_numpy() - 1],
            "deal": table["deal"].astype(float),
            "feature": table["feat"],
        }
    )
    rows = found.groupby(["item", "location"])["period"].transform("size")
    kept: pd.DataFrame = found[rows >= FEWEST * rows.max()]
    return kept


MADE = Set("made", "W", 2, ("promotion",), (), "promotion", lambda _: synthetic.weekly(), 0.8, 0.9)
SETS = (
    Set(
        "stallion", "M", 1, ("price_regular", "promotion", "easter_or_christmas"), (), "promotion", _stallion, 0.6, 0.8
    ),
    Set("walmart", "W", 2, ("holiday",), ("temperature",), "temperature", _walmart),
    Set("dominicks", "W", 2, ("price", "deal", "feature"), (), "feature", _dominicks),
)
