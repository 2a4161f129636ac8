"""Recommendations beside orders: stock to part with, and lead times that deliveries disprove."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from services.planner.engine.excess import excess
from services.planner.engine.punctuality import Lateness, lateness
from services.planner.plans import sentence
from services.planner.plans.buckets import DAYS, Buckets
from services.planner.plans.inputs import Inputs
from services.planner.plans.money import money
from services.planner.plans.proposals import Origin, units
from services.planner.plans.sales import values
from services.planner.plans.snapshot import Snapshot
from services.planner.plans.structure import KEY
from services.planner.plans.takeover import Planned
from services.planner.recommendations.content_schemas import Content

DIGITS = 3
RULE = [*KEY, "mode", "source"]


def disposals(origin: Origin, known: Inputs, planned: Planned, snapshot: Snapshot) -> Iterator[Content]:
    """One per item-location that was computed anew with stock to part with, unless that was decided of this stock."""
    supply, terms = known.supply.rows(planned.fresh), known.terms.iloc[planned.fresh]
    demand, price = known.demand.mean.copy(), values(known, planned)
    if (together := planned.together) is not None:
        demand[together.web.rows] += together.projection.dependent
    found = excess(supply, demand[planned.fresh], price, terms["shelf_life"].fillna(np.inf).to_numpy(np.float64))
    decided = snapshot.settled[snapshot.settled["type"] == "dispose"].set_index(KEY)["at"]
    for row in np.flatnonzero(found.quantity > 0).tolist():
        item, location = key = terms.index[row]
        if key in decided.index and decided[key].date() >= terms["as_of"].iloc[row]:
            continue
        disposal = {
            "quantity": units(found.quantity[row]),
            "on_hand": units(supply.on_hand[row]),
            "demand_per_period": units(found.rate[row]),
            "worth_keeping_periods": round(float(found.kept[row]), DIGITS),
            "value": money(found.quantity[row] * price[row]),
            "net_benefit": money(found.saved[row]),
        }
        facts = origin.common("dispose", item, location) | {"order": None, "disposal": disposal, "faults": []}
        yield Content.model_validate(facts | {"text": sentence.disposal(facts)})


def lead_times(origin: Origin, buckets: Buckets, known: Inputs, snapshot: Snapshot) -> Iterator[Content]:
    """One per sourcing rule whose deliveries come later or earlier than its lead time says.

    Deliveries of orders that were recommended before somebody last decided on this are not counted: they were known.
    """
    delivered = snapshot.deliveries
    if delivered.empty:
        return
    settled = snapshot.settled[snapshot.settled["type"] == "parameter_change"].set_index(KEY)["at"]
    days = (pd.to_datetime(delivered["received_on"]) - pd.to_datetime(delivered["due"])).dt.days
    delivered = delivered.assign(late=days / DAYS[buckets.frequency])
    frame = known.structure.options.frame
    usual = frame[~frame["expedited"]].merge(delivered[RULE].drop_duplicates(), on=RULE)
    rules = {tuple(rule[name] for name in RULE): rule for _, rule in usual.iterrows()}
    for key, group in delivered.groupby(RULE, sort=True):
        named = dict(zip(RULE, map(str, key), strict=True))
        item, location = named["item"], named["location"]
        since = settled.get((item, location))
        counted = group if since is None else group[group["created_at"] > since]
        found = lateness(counted["late"].to_numpy(np.float64))
        if found is None or key not in rules:
            continue
        rule = rules[key]
        current = int(rule["lead_time"])
        proposed = max(round(current + found.mean), 0)
        if proposed == current:
            continue
        parameter = _parameter(rule, found, current, proposed, named)
        facts = origin.common("parameter_change", item, location) | {"order": None, "faults": []}
        facts |= {"parameter": parameter}
        yield Content.model_validate(facts | {"text": sentence.parameter(facts)})


def _parameter(
    rule: "pd.Series[Any]", found: Lateness, current: int, proposed: int, named: dict[str, str]
) -> dict[str, Any]:
    return {
        "record": {"table": "supply/sourcing-rules", "key": named},
        "name": "lead_time",
        "current": float(current),
        "proposed": float(proposed),
        "current_spread": float(rule["lead_time_spread"]),
        "proposed_spread": round(found.spread, DIGITS),
        "deliveries": found.deliveries,
        "mean_late": round(found.mean, DIGITS),
        "standard_error": round(found.error, DIGITS),
    }
