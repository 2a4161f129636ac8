"""The monitors' figures for Prometheus, in its text format (version 0.0.4), for whoever reaches the service itself."""

from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse
from sqlalchemy import select

from services.forecast.monitoring.tables import InputMonitor, Monitor

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
FIGURES = {
    "bias": "Forecast minus demand over demand.",
    "tracking_signal": "Sum of errors of a class's totals over their mean size.",
    "coverage_80": "Share of demand inside the interval of 80 %.",
    "extra_pinball": "Decile loss beyond the expected over demand.",
    "demand_psi": "Stability index of demand against a year before.",
}
router = APIRouter(include_in_schema=False)

type Sample = tuple[dict[str, str], float]


@router.get("/metrics")
def metrics(request: Request) -> PlainTextResponse:
    """Gauges by area, model and demand class, as the newest look left them."""
    with request.app.state.database.read() as session:
        monitors = list(session.scalars(select(Monitor)))
        inputs = [row for row in session.scalars(select(InputMonitor)) if row.until is not None]
    lines = [line for name, help_, samples in _gauges(monitors, inputs) for line in _gauge(name, help_, samples)]
    return PlainTextResponse("\n".join([*lines, ""]), media_type=MEDIA_TYPE)


def _gauges(monitors: list[Monitor], inputs: list[Any]) -> Iterator[tuple[str, str, list[Sample]]]:
    for figure, help_ in FIGURES.items():
        told = [
            ({"area": row.area, "model": row.model, "segment": one["segment"]}, one[figure])
            for row in monitors
            for one in row.segments
            if one[figure] is not None
        ]
        yield f"accord_forecast_{figure}", help_, told
    alarms = [
        ({"area": row.area, "model": row.model} | {name: one[name] for name in _OF_ALARM}, one["item_locations"])
        for row in monitors
        for one in row.alarms
    ]
    yield "accord_forecast_alarms", "Item-locations whose errors have changed.", alarms
    dead = [
        ({"area": row.area, "driver": one["driver"]}, float(one["dead_since"] is not None))
        for row in inputs
        for one in row.drivers
    ]
    yield "accord_driver_dead", "1 where a driver stands still for longer than ever before.", dead
    until = [({"area": row.area}, float(row.until.toordinal() - _EPOCH) * 86_400) for row in inputs]
    yield "accord_demand_until_timestamp_seconds", "First day of the newest period with demand.", until


_OF_ALARM = ("segment", "scope", "signal", "direction")
_EPOCH = 719_163  # 1970-01-01 as an ordinal


def _gauge(name: str, help_: str, samples: list[Sample]) -> Iterator[str]:
    yield f"# HELP {name} {help_}"
    yield f"# TYPE {name} gauge"
    for labels, value in samples:
        told = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        yield f"{name}{{{told}}} {value!r}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
