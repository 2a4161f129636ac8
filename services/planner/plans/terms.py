"""On what terms each item-location is supplied: its sourcing rule, its policy, and what keeps it from being planned."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from services.planner.engine.inputs import Bools
from services.planner.plans.buckets import PERIODS_PER_YEAR
from services.planner.plans.forecast import Forecast
from services.planner.plans.snapshot import Snapshot
from services.planner.recommendations.schemas import FaultOut
from shared.principal import Area

type Key = tuple[str, str]
type Faults = dict[Key, list[FaultOut]]
KEY = ["item", "location"]
STRANGE = (
    "Stock, a sourcing rule or an order is known, but the forecast does not cover this item and location: load its "
    "demand and forecast anew, or take back what was told of it."
)


def terms(forecast: Forecast, snapshot: Snapshot, area: Area) -> pd.DataFrame:
    """One row per item-location of the forecast: columns of its stock, rule and policy, NaN where there is none.

    Costs are money per unit, per order, and per unit and period. Without a policy a unit short is lost and costs the
    area's shortage factor times the unit cost.
    """
    stock = snapshot.stock.set_index(KEY).reindex(forecast.keys)
    rules = snapshot.rules.set_index(KEY).reindex(forecast.keys)
    policies = _policies(forecast.keys, snapshot.policies)
    frame = pd.concat([stock, rules, policies], axis=1)
    for name in ("unit_cost", "order_cost", "shortage_cost", "holding_cost", "service_level", "max_quantity"):
        frame[name] = frame[name].astype(np.float64)
    undecided = frame["shortage_cost"].isna() & frame["service_level"].isna()
    frame["shortage_cost"] = frame["shortage_cost"].mask(undecided, frame["unit_cost"] * float(area.shortage_factor))
    usual = frame["unit_cost"] * float(area.holding_rate) / PERIODS_PER_YEAR[area.frequency]
    frame["holding_cost"] = frame["holding_cost"].fillna(usual)
    return frame


def _policies(keys: pd.MultiIndex, policies: pd.DataFrame) -> pd.DataFrame:
    """The most specific policy of each item-location: of both, of the item, of the location, of all."""
    rows: list[dict[str, Any]] = policies.astype(object).where(policies.notna(), None).to_dict("records")  # type: ignore[assignment]
    known = {(row["item"], row["location"]): row for row in rows}
    default = {"shortage_mode": "lost", "review_period": 1, "service_level": None, "shortage_cost": None}
    default["holding_cost"] = None
    found = [_most_specific(known, item, location) or default for item, location in keys]
    return pd.DataFrame(found, columns=list(default), index=keys)


def _most_specific(known: dict[tuple[Any, Any], dict[str, Any]], item: str, location: str) -> dict[str, Any] | None:
    candidates = ((item, location), (item, None), (None, location), (None, None))
    return next((known[key] for key in candidates if key in known), None)


@dataclass(frozen=True)
class Check:
    """A condition that keeps an item-location out of the plan."""

    code: str
    detail: str
    holds: Bools


def faults(forecast: Forecast, snapshot: Snapshot, frame: pd.DataFrame) -> Faults:
    """What is to be mended, by item-location: of the forecast's, and of others that only supply knows."""
    found: Faults = defaultdict(list)
    for check in _checks(frame, len(forecast.buckets)):
        for key in forecast.keys[check.holds]:
            found[key].append(FaultOut(code=check.code, detail=check.detail))
    for key in _strangers(forecast, snapshot):
        found[key].append(FaultOut(code="not-in-forecast", detail=STRANGE))
    return dict(sorted(found.items()))


def _checks(frame: pd.DataFrame, periods: int) -> Iterator[Check]:
    ruled = frame["mode"].notna().to_numpy()
    yield Check("no-sourcing-rule", "No sourcing rule says how it is supplied: PUT supply/sourcing-rules.", ~ruled)
    unstocked = frame["on_hand"].isna().to_numpy()
    yield Check("no-stock", "No stock up to the as-of date is known: POST inventory, if it is 0.", unstocked)
    late = ruled & (frame["lead_time"] + frame["review_period"] > periods).to_numpy()
    yield Check(
        "beyond-horizon",
        f"Lead time and review period do not fit in: correct them, or plan over more than {periods} periods.",
        late,
    )
    free = ruled & ~(frame["holding_cost"] > 0).to_numpy()
    yield Check("no-holding-cost", "Holding it costs nothing: give a unit cost, or a holding cost in a policy.", free)


def _strangers(forecast: Forecast, snapshot: Snapshot) -> list[Key]:
    """What supply knows and the forecast does not. That there is no stock of something needs no forecast."""
    stock = snapshot.stock[snapshot.stock["on_hand"] > 0]
    frames = (stock, snapshot.rules, snapshot.receipts, snapshot.commitments)
    known = pd.concat([frame[KEY] for frame in frames]).drop_duplicates()
    return list(pd.MultiIndex.from_frame(known).difference(forecast.keys))
