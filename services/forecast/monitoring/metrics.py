"""The monitors' figures for Prometheus, read from the database at each scrape."""

import datetime
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import select

from services.forecast.monitoring.tables import InputMonitor, Monitor
from shared.db import Database

FIGURES = {
    "wmape": "Distance of demand from the median over demand.",
    "bias": "Forecast minus demand over demand.",
    "tracking_signal": "Sum of errors of a class's totals over their mean size.",
    "coverage_80": "Share of demand inside the interval of 80 %.",
    "extra_pinball": "Decile loss beyond the expected over demand.",
    "demand_psi": "Stability index of demand against a year before.",
}
OF_CLASS = ("area", "model", "segment")
OF_ALARM = (*OF_CLASS, "scope", "signal", "direction")
router = APIRouter(include_in_schema=False)


@router.get("/metrics")
def metrics(request: Request) -> Response:
    """Gauges by area, model and demand class, as the newest look left them."""
    registry = CollectorRegistry()
    registry.register(MonitorCollector(request.app.state.database))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class MonitorCollector(Collector):
    """What the newest look at each area found; nothing is counted in this process, so any of them may tell it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """The names alone, for which no database is needed."""
        return _gauges([], [])

    def collect(self) -> Iterable[GaugeMetricFamily]:
        with self._database.read() as session:
            monitors = list(session.scalars(select(Monitor)))
            inputs = list(session.scalars(select(InputMonitor).where(InputMonitor.until.is_not(None))))
        return _gauges(monitors, inputs)


def _gauges(monitors: list[Monitor], inputs: list[InputMonitor]) -> Iterator[GaugeMetricFamily]:
    classes = [_named(row, one) for row in monitors for one in row.segments]
    for figure, text in FIGURES.items():
        yield _gauge(f"accord_forecast_{figure}", text, OF_CLASS, classes, figure)
    alarms = [_named(row, one) for row in monitors for one in row.alarms]
    about = "Item-locations whose errors have changed."
    yield _gauge("accord_forecast_alarms", about, OF_ALARM, alarms, "item_locations")
    decays = [{"area": row.area, "model": row.model, **row.decay} for row in monitors if row.decay is not None]
    about = "WMAPE over that of the backtest, where it is much more."
    yield _gauge("accord_forecast_decay_ratio", about, ("area", "model"), decays, "ratio")
    drivers = [
        {"area": row.area, "driver": one["driver"], "dead": one["dead_since"] is not None}
        for row in inputs
        for one in row.drivers
    ]
    about = "1 where a driver stands still for longer than ever before."
    yield _gauge("accord_driver_dead", about, ("area", "driver"), drivers, "dead")
    known = [{"area": row.area, "until": _seconds(row.until)} for row in inputs if row.until is not None]
    about = "First day of the newest period with demand."
    yield _gauge("accord_demand_until_timestamp_seconds", about, ("area",), known, "until")


def _named(row: Monitor, one: Mapping[str, Any]) -> dict[str, Any]:
    return {"area": row.area, "model": row.model, **one}


def _gauge(
    name: str, about: str, labels: tuple[str, ...], rows: Iterable[Mapping[str, Any]], figure: str
) -> GaugeMetricFamily:
    """A sample for each of the rows that has the figure."""
    family = GaugeMetricFamily(name, about, labels=labels)
    for row in rows:
        if row.get(figure) is not None:
            family.add_metric([row[label] for label in labels], float(row[figure]))
    return family


def _seconds(day: datetime.date) -> float:
    return datetime.datetime.combine(day, datetime.time(), datetime.UTC).timestamp()
