"""What the demo loads: real demand and drivers, and stock and supply that are assumed and say so."""

import io
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

PERIODS_PER_YEAR = {"D": 365, "W": 52, "M": 12}
RECENT = {"D": 56, "W": 13, "M": 12}
LEAD_TIMES = {"D": (7, 14), "W": (2, 3), "M": (1, 2)}
COVER = (0.6, 1.0, 1.4, 1.8)  # of the demand over lead time and review: some short, some ample
UNIT_COST, SHORTAGE_COST = "0.70", "0.30"
ORDER_SHARE = 0.01  # of what a period's demand costs: ordering pays for large and small sellers alike

ASSUMED = (
    f"Stock, lead times, lot sizes and costs are ASSUMED by this demo: unit cost {UNIT_COST}, {ORDER_SHARE:.0%} of a "
    f"period's purchases per order, {SHORTAGE_COST} lost margin per unit short, holding 25 % of cost a year."
)


@dataclass(frozen=True)
class Driver:
    """A driver's definition and its values (columns: period, value, and item or location as the scope asks)."""

    name: str
    kind: str
    known_ahead: bool
    scope: str
    values: pd.DataFrame

    @property
    def definition(self) -> dict[str, Any]:
        return {"kind": self.kind, "known_ahead": self.known_ahead, "scope": self.scope}


@dataclass(frozen=True)
class Dataset:
    """Demand as columns item, location, period (first day of its bucket), quantity, in_stock."""

    title: str
    area: str
    frequency: str
    week_start: int
    horizon: int
    currency: str
    demand: pd.DataFrame
    drivers: list[Driver] = field(default_factory=list)
    notes: tuple[str, ...] = ()

    @property
    def next_period(self) -> pd.Timestamp:
        """The first bucket after the history."""
        steps = {"D": pd.DateOffset(days=1), "W": pd.DateOffset(weeks=1), "M": pd.DateOffset(months=1)}
        return pd.Timestamp(self.demand["period"].max() + steps[self.frequency])

    def items(self) -> list[dict[str, Any]]:
        return [{"item": item, "uom": "unit", "unit_cost": UNIT_COST} for item in sorted(self.demand["item"].unique())]

    def locations(self) -> list[dict[str, Any]]:
        return [{"location": place, "kind": "store"} for place in sorted(self.demand["location"].unique())]

    def recent_demand(self) -> pd.Series:
        """Mean demand per period over the recent past, by item and location; zero where nothing was sold."""
        spans = RECENT[self.frequency]
        since = self.demand["period"].drop_duplicates().nlargest(spans).min()
        recent = self.demand[self.demand["period"] >= since]
        every = self.demand.groupby(["item", "location"])["quantity"].size().index
        sold = recent.groupby(["item", "location"])["quantity"].sum().reindex(every, fill_value=0.0)
        return pd.Series(sold / spans)


@dataclass(frozen=True)
class Supply:
    """Bodies for the supply side, made from recent demand by rule, not by chance."""

    inventory: list[dict[str, Any]]
    rules: list[dict[str, Any]]
    policies: list[dict[str, Any]]


def assume_supply(data: Dataset) -> Supply:
    """Stock between 60 % and 180 % of what sells over lead time and review, lots of about half a period's demand."""
    inventory, rules = [], []
    recent = data.recent_demand()
    as_of = data.next_period.date().isoformat()
    for number, (item, location, mean) in enumerate(recent.reset_index().itertuples(index=False)):
        lead = LEAD_TIMES[data.frequency][number % 2]
        lot = _round(max(mean, 1) / 2)
        on_hand = round(mean * (lead + 1) * COVER[number % len(COVER)])
        key = {"item": item, "location": location}
        inventory.append(key | {"as_of": as_of, "on_hand": on_hand})
        costs = {"unit_cost": UNIT_COST, "order_cost": f"{mean * float(UNIT_COST) * ORDER_SHARE:.2f}"}
        lots = {"lead_time": lead, "moq": 2 * lot, "multiple": lot}
        rules.append(key | {"mode": "buy", "source": "supplier-1"} | lots | costs)
    policies = [{"shortage_cost": SHORTAGE_COST, "shortage_mode": "lost", "review_period": 1}]
    return Supply(inventory, rules, policies)


def _round(quantity: float) -> int:
    """One significant digit: a lot size that a supplier would name."""
    digits = len(str(int(quantity))) - 1
    return max(1, int(round(quantity, -digits)))


def parquet(frame: pd.DataFrame) -> bytes:
    """The frame as a Parquet file."""
    file = io.BytesIO()
    frame.to_parquet(file, index=False)
    return file.getvalue()
