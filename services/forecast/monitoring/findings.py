"""What an area is told of its monitors, as JSON: figures by class, alarms with their evidence, and which are new."""

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any

import numpy as np

from services.forecast.engine import monitoring
from services.forecast.engine.limits import Calibration
from services.forecast.engine.monitoring import Alarm, Calibrations, Figures
from services.forecast.engine.segments import SEGMENTS
from services.forecast.monitoring.judging import Verdict

SHOWN = 100  # item-locations of an alarm, the dearest
DIGITS = 6
CENTS = Decimal("0.01")

type Starts = Callable[[int], str]
"""The first date of a period from its number."""


def segments(told: Verdict, known: Calibrations) -> list[dict[str, Any]]:
    """Figures and limits of each class that has item-locations."""
    found = []
    for number in np.unique(told.segment).tolist():
        figures = asdict(Figures.of(told.judged, np.flatnonzero(told.segment == number)))
        shift = told.shifts.get(number)
        found.append(
            {
                "segment": SEGMENTS[number],
                **{name: _rounded(value) for name, value in figures.items()},
                "demand_psi": _rounded(shift.psi if shift else None),
                "demand_wasserstein": _rounded(shift.wasserstein if shift else None),
                "limits": _limits(known[number, "items"]),
            }
        )
    return found


def decay(told: Verdict, backtest: Mapping[str, Any], starts: Starts) -> dict[str, Any] | None:
    """Where the model is off by much more than in its backtest: by how much, on which periods."""
    found = monitoring.decay(told.judged, backtest.get("overall", {}).get("model", {}).get("wmape") or 0.0)
    if found is None:
        return None
    figures = {"measured": found.measured, "backtest": found.backtest, "ratio": found.ratio}
    return {
        "first": starts(int(told.periods[found.first])),
        "last": starts(int(told.periods[found.last])),
        "cells": found.cells,
        "limit": monitoring.DECAY,
        **{name: round(value, DIGITS) for name, value in figures.items()},
    }


def _limits(known: Calibration) -> dict[str, Any]:
    return {**asdict(known.limits), "basis": known.basis}


def alarms(
    told: Verdict,
    known: Calibrations,
    unit_costs: Mapping[str, Decimal | None],
    starts: Starts,
    *,
    ours: bool,
) -> list[dict[str, Any]]:
    """Alarms with their evidence: which item-locations, since when, what it has cost; the dearest first.

    ours: whether the model is one that we can train anew; what others forecast can only be looked at.
    """
    found = [
        _told(one, told, known[one.segment, one.scope], unit_costs, starts, ours=ours)
        for one in monitoring.alarms(told.judged, told.segment, known)
    ]
    return sorted(found, key=lambda one: -one["units"])


def _told(
    alarm: Alarm,
    told: Verdict,
    known: Calibration,
    unit_costs: Mapping[str, Decimal | None],
    starts: Starts,
    *,
    ours: bool,
) -> dict[str, Any]:
    watched = int((told.segment == alarm.segment).sum())
    items = [
        {
            "item": told.series[row].item,
            "location": told.series[row].location,
            "since": starts(int(told.periods[since])),
            "raised": starts(int(told.periods[raised])),
            "units": round(units, DIGITS),
            "value": _value(units, unit_costs[told.series[row].item]),
        }
        for row, since, raised, units in zip(
            alarm.rows.tolist(), alarm.since.tolist(), alarm.raised.tolist(), alarm.units.tolist(), strict=True
        )
    ]
    return {
        "segment": SEGMENTS[alarm.segment],
        "scope": alarm.scope,
        "signal": alarm.signal,
        "direction": "up" if alarm.direction > 0 else "down",
        "recommends": alarm.asks(watched) if ours else "review_forecast",
        "watched": watched,
        "limit": getattr(known.limits, alarm.signal),
        "rate": known.limits.rate,
        "basis": known.basis,
        **_summed(items),
    }


def _summed(items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The item-locations of an alarm, from when on, and what they cost together; no value where one has none."""
    values = [Decimal(one["value"]) for one in items if one["value"] is not None]
    return {
        "since": min(one["since"] for one in items),
        "raised": max(one["raised"] for one in items),
        "item_locations": len(items),
        "units": round(sum(one["units"] for one in items), DIGITS),
        "value": str(sum(values)) if len(values) == len(items) else None,
        "items": list(items),
    }


def _value(units: float, cost: Decimal | None) -> str | None:
    return None if cost is None else str((Decimal(repr(units)) * cost).quantize(CENTS))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)


def shown(alarm: Mapping[str, Any]) -> dict[str, Any]:
    """The same with no more item-locations than are kept."""
    return {**alarm, "items": alarm["items"][:SHOWN]}


def raised_after(found: Sequence[Mapping[str, Any]], until: datetime.date | None) -> list[dict[str, Any]]:
    """The alarms of those item-locations that raised theirs after `until`; all of them after None."""
    told = []
    for one in found:
        items = [item for item in one["items"] if until is None or item["raised"] > str(until)]
        if items:
            told.append({**one, **_summed(items)})
    return told
