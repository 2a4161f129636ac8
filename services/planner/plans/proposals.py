"""Recommendations out of the engine's arrays: rounded figures, dates for bucket numbers, and a sentence."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd

from services.planner.engine.evidence import Evidence, Option
from services.planner.engine.inputs import Floats, Ints
from services.planner.plans import sentence
from services.planner.plans.buckets import Buckets
from services.planner.plans.faults import Faults
from services.planner.plans.money import money, rate, total
from services.planner.recommendations.content import MODES
from services.planner.recommendations.content_schemas import Content
from shared.ids import uuid7

TYPES = {mode: kind for kind, mode in MODES.items()}
PROBABILITY_DIGITS = 3
QUANTITY_DIGITS = 6


@dataclass(frozen=True)
class Origin:
    """What all recommendations of a plan have in common."""

    plan: UUID
    forecast: UUID
    model_version: int | None
    currency: str

    def common(self, kind: str, item: str | None, location: str | None) -> dict[str, Any]:
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        return named | {"id": uuid7(), "type": kind, "item": item, "location": location, "route": "review"}


def orders(origin: Origin, buckets: Buckets, terms: pd.DataFrame, evidence: Evidence, save: Ints) -> Iterator[Content]:
    """One recommendation per item-location that is to order now, `save` some rows. terms: rows as the evidence's."""
    chosen = np.setdiff1d(np.flatnonzero(evidence.option.quantity > 0), save)
    keys = terms.index[chosen].tolist()
    records: list[dict[str, Any]] = terms.iloc[chosen].to_dict("records")  # type: ignore[assignment]
    for row, (item, location), term in zip(chosen.tolist(), keys, records, strict=True):
        facts = origin.common(TYPES[term["mode"]], item, location)
        facts |= {"order": _order(buckets, term, evidence, row), "faults": []}
        yield Content.model_validate(facts | {"text": sentence.order(facts)})


def data_fixes(origin: Origin, faults: Faults) -> Iterator[Content]:
    """One recommendation per item-location whose data keep it out of the plan."""
    for (item, location), found in faults.items():
        text = f"Mend the data of {item} in {location}: {' '.join(fault.detail for fault in found)}"
        facts = origin.common("data_fix", item, location)
        yield Content.model_validate(facts | {"order": None, "faults": found, "text": text})


def _order(buckets: Buckets, term: Mapping[str, Any], evidence: Evidence, row: int) -> dict[str, Any]:
    option = evidence.option
    without_probability = share(evidence.stockout_probability_without[row])
    without_shortage = evidence.expected_shortage_without[row]
    figures = _option(option, row, without_shortage)
    probability, shortage = figures.pop("stockout_probability"), figures.pop("expected_shortage")
    return figures | {
        "source": term["source"],
        "release_date": buckets.periods[evidence.release[row]],
        "release_by": buckets.periods[evidence.release_by[row]],
        "receipt_date": buckets.periods[evidence.receipt[row]],
        "stockout_probability": {"without": without_probability, "with": probability},
        "expected_shortage": {"without": units(without_shortage), "with": shortage},
        "cancellable": bool(term["cancellable"]),
        "triggers": _triggers(term, evidence, row),
        "alternatives": [
            {"kind": str(alternative.kind[row])} | _option(alternative.option, row, without_shortage)
            for alternative in evidence.alternatives
            if alternative.kind[row]
        ],
    }


def _option(option: Option, row: int, without_shortage: float) -> dict[str, Any]:
    purchase, ordering = money(option.purchase_cost[row]), money(option.order_cost[row])
    holding = money(option.extra_holding_cost[row])
    acting = total(purchase, ordering, holding)
    shortage = option.expected_shortage[row]
    return {
        "quantity": units(option.quantity[row]),
        "cost_of_acting": {"total": acting, "purchase": purchase, "ordering": ordering, "extra_holding": holding},
        "cost_of_inaction": {
            "mean": money(option.cost_of_inaction[row]),
            "p90": money(option.cost_of_inaction_p90[row]),
            "units": units(without_shortage - shortage),
        },
        "net_benefit": money(option.net_benefit[row]),
        "stockout_probability": share(option.stockout_probability[row]),
        "expected_shortage": units(shortage),
    }


def _triggers(term: Mapping[str, Any], evidence: Evidence, row: int) -> dict[str, Any]:
    triggers = evidence.triggers
    names = ("on_hand", "on_order", "projected", "safety_stock", "reorder_point", "order_up_to")
    return (
        {name: units(getattr(triggers, name)[row]) for name in names}
        | {
            "fractile": share(triggers.fractile[row]),
            "reviews_covered": int(triggers.cover[row]),
            "lead_time": int(term["lead_time"]),
            "review_period": int(term["review_period"]),
            "moq": term["moq"],
            "multiple": term["multiple"],
            "max_quantity": None if np.isnan(term["max_quantity"]) else term["max_quantity"],
            "shortage_mode": term["shortage_mode"],
            "lead_time_spread": term["lead_time_spread"],
            "holding_cost": rate(term["holding_cost"]),
        }
        | target(term)
    )


def target(term: Mapping[str, Any]) -> dict[str, Any]:
    """What an item-location is planned for: one of a service level, a fill rate and a shortage cost."""
    told = {name: None if np.isnan(term[name]) else term[name] for name in ("service_level", "fill_rate")}
    cost = term["shortage_cost"]
    return told | {"shortage_cost": None if np.isnan(cost) else rate(cost)}


def units(value: Floats | float) -> float:
    """A quantity as it is shown."""
    return round(float(value), QUANTITY_DIGITS) + 0.0


def share(value: Floats | float) -> float:
    """A probability as it is shown."""
    return round(float(value), PROBABILITY_DIGITS) + 0.0
