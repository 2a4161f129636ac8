"""On what terms each item-location is supplied: its stock, the source to order from first, its policy."""

from typing import Any

import numpy as np
import pandas as pd

from services.planner.engine.inputs import Bools
from services.planner.plans.buckets import DAYS, PERIODS_PER_YEAR
from services.planner.plans.forecast import Forecast
from services.planner.plans.options import Options
from services.planner.plans.snapshot import Snapshot
from services.planner.plans.structure import KEY
from shared.principal import Area

NUMBERS = ("unit_cost", "shortage_cost", "holding_cost", "service_level", "fill_rate", "max_quantity", "max_stock")


def terms(
    forecast: Forecast, snapshot: Snapshot, items: pd.DataFrame, area: Area, options: Options, usable: Bools
) -> pd.DataFrame:
    """One row per item-location of the forecast: columns of its stock, source and policy, NaN where there is none.

    The source is the preferred of its `usable` [m] options; `option` is its place, -1 for none, and `fence` the first
    bucket in which something can be released.

    Costs are money per unit, per order, and per unit and period. Without a policy a unit short is lost and costs the
    area's shortage factor times the unit cost. `shelf_life` counts whole periods. items: as of the forecast client.
    """
    stock = snapshot.stock.set_index(KEY).reindex(forecast.keys)
    policies = _policies(forecast.keys, snapshot.policies)
    policy = policies[["frozen_fence", "review_period"]].reindex(options.keys).fillna(0).astype(np.int64)
    fence, review = policy["frozen_fence"].to_numpy(), policy["review_period"].to_numpy()
    chosen = options.preferred(usable, fence, review)
    first = options.first(fence, review)[chosen]
    price = options.unit_cost[chosen, np.minimum(first, len(forecast.buckets) - 1)]
    source = options.frame.iloc[chosen].assign(option=chosen, fence=first, unit_cost=price)
    frame = pd.concat([stock, source.set_index(KEY).reindex(forecast.keys), policies], axis=1)
    frame["option"] = frame["option"].fillna(-1).astype(np.int64)
    frame = frame.astype(dict.fromkeys(NUMBERS, np.float64))
    undecided = frame[["shortage_cost", "service_level", "fill_rate"]].isna().all(axis=1)
    frame["shortage_cost"] = frame["shortage_cost"].mask(undecided, frame["unit_cost"] * float(area.shortage_factor))
    known = items.reindex(forecast.keys.get_level_values("item"))
    frame["unit_price"] = known["unit_price"].to_numpy(np.float64)
    life = known["shelf_life_days"].to_numpy(np.float64) / DAYS[area.frequency]
    frame["shelf_life"] = np.maximum(np.floor(life), 1)
    usual = frame["unit_cost"] * float(area.holding_rate) / PERIODS_PER_YEAR[area.frequency]
    frame["holding_cost"] = frame["holding_cost"].fillna(usual)
    return frame


def _policies(keys: pd.MultiIndex, policies: pd.DataFrame) -> pd.DataFrame:
    """The most specific policy of each item-location: of both, of the item, of the location, of all."""
    rows: list[dict[str, Any]] = policies.astype(object).where(policies.notna(), None).to_dict("records")  # type: ignore[assignment]
    known = {(row["item"], row["location"]): row for row in rows}
    default = {
        "shortage_mode": "lost",
        "review_period": 1,
        "frozen_fence": 0,
        "service_level": None,
        "fill_rate": None,
        "shortage_cost": None,
    }
    default |= {"holding_cost": None, "max_stock": None}
    found = [_most_specific(known, item, location) or default for item, location in keys]
    return pd.DataFrame(found, columns=list(default), index=keys)


def _most_specific(known: dict[tuple[Any, Any], dict[str, Any]], item: str, location: str) -> dict[str, Any] | None:
    candidates = ((item, location), (item, None), (None, location), (None, None))
    return next((known[key] for key in candidates if key in known), None)
