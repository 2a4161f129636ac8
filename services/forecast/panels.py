"""From the tables that a run read to the engine's panel, and what a person should know of the data."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from services.forecast.datasets.blocks import Tables
from services.forecast.engine.calendar import Frequency
from services.forecast.engine.panel import DriverDefinition, DriverPanel, Panel
from services.forecast.inputs import Inputs
from services.forecast.models.tables import ModelVersion, TrainingRun

type Warnings = list[dict[str, Any]]

SPORADIC = {"promotion", "event"}


@dataclass(frozen=True)
class Profile:
    """The time profile that a model is trained for and forecasts in."""

    frequency: Frequency
    season_length: int
    horizon: int

    @classmethod
    def of(cls, what: TrainingRun | ModelVersion) -> "Profile":
        return cls(what.frequency, what.season_length, what.horizon)


def panel(inputs: Inputs, profile: Profile) -> tuple[Panel, Warnings]:
    """The panel whose history ends with the origin, and warnings on its drivers.

    A period without a row after an item-location's first one is zero demand; out of stock is unknown demand.
    """
    tables = inputs.tables
    drivers, silent = _drivers(tables)
    found = Panel.from_long(
        tables["demand"].to_pandas(date_as_object=False),
        frequency=profile.frequency,
        horizon=profile.horizon,
        season=profile.season_length,
        gaps="zero",
        first_period=None if inputs.start is None else np.datetime64(inputs.start),
        last_period=np.datetime64(inputs.origin),
        attributes=[_attributes(tables["items"]), _attributes(tables["locations"])],
        drivers=drivers,
    )
    begun = [np.searchsorted(found.timeline, values["period"].min().to_datetime64()) for _, values in drivers]
    completed = [
        complete(driver, len(found.periods), int(first)) for driver, first in zip(found.drivers, begun, strict=True)
    ]
    warnings = [*silent, *(warning for _, warning in completed if warning)]
    return replace(found, drivers=tuple(driver for driver, _ in completed)), warnings


def _attributes(table: pa.Table) -> pd.DataFrame:
    """Without the columns that hold nothing."""
    frame: pd.DataFrame = table.to_pandas()
    return frame.dropna(axis="columns", how="all")


def _drivers(tables: Tables) -> tuple[list[tuple[DriverDefinition, pd.DataFrame]], Warnings]:
    values = tables["driver_values"].to_pandas(date_as_object=False)
    found, silent = [], []
    for row in tables["drivers"].to_pylist():
        mine = values[values["driver"] == row["driver"]]
        if mine.empty:
            silent.append(
                _warning("driver-without-values", f"Driver {row['driver']} has no values; it is left out.", 1)
            )
            continue
        definition = DriverDefinition(row["driver"], row["kind"], row["known_ahead"], row["publication_delay"])
        found.append((definition, mine[[*_codes(row["scope"]), "period", "value"]]))
    return found, silent


def _codes(scope: str) -> list[str]:
    return [] if scope == "global" else scope.split("-")


def complete(driver: DriverPanel, history: int, begun: int) -> tuple[DriverPanel, dict[str, Any] | None]:
    """A driver without unknown values where a rule supplies them, and the warning that says so.

    A promotion or an event that no row tells of is none (0), from the driver's first value (column `begun`) on. Other
    drivers known ahead keep their last value where the future (columns from `history` on) lacks one.
    """
    if driver.definition.kind in SPORADIC:
        return _none_where_silent(driver, history, begun)
    if driver.definition.known_ahead:
        return _held(driver, history)
    return driver, None


def _none_where_silent(driver: DriverPanel, history: int, begun: int) -> tuple[DriverPanel, dict[str, Any] | None]:
    known = ~np.isnan(driver.matrix)
    filled = driver.matrix.copy()
    filled[:, begun:][~known[:, begun:]] = 0
    silent = driver.definition.known_ahead and not known[:, history:].any()
    detail = f"Driver {driver.name} has no values inside the horizon: none is taken to be planned."
    return replace(driver, matrix=filled), _warning("driver-none-ahead", detail, len(known)) if silent else None


def _held(driver: DriverPanel, history: int) -> tuple[DriverPanel, dict[str, Any] | None]:
    known = ~np.isnan(driver.matrix)
    newest = np.maximum.accumulate(np.where(known, np.arange(known.shape[1]), 0), axis=1)
    held = driver.matrix.copy()
    held[:, history:] = np.take_along_axis(driver.matrix, newest, axis=1)[:, history:]
    touched = int((~known & ~np.isnan(held))[:, history:].any(axis=1).sum())
    detail = f"Driver {driver.name} lacks values inside the horizon: its last value is held."
    return replace(driver, matrix=held), _warning("driver-held", detail, touched) if touched else None


def hindsight(origin: datetime.date, trained_until: datetime.date) -> Warnings:
    """A warning where the model has learned from periods after the origin: such a forecast is no test of it."""
    if origin >= trained_until:
        return []
    detail = f"The model has learned from demand until {trained_until}: it knows more than was known at the origin."
    return [_warning("hindsight", detail, 1)]


FLAGS = {
    "no_history": "have no known demand: forecast at the level of their peers.",
    "never_sold": "have never had demand: forecast as zero.",
    "short_history": "have a short history: their level is uncertain.",
    "unseen_attribute": "have an attribute value that the model has not seen: forecast without it.",
    "driver_missing": "lack future values of a driver known ahead: forecast without them.",
}


def flagged(flags: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The engine's flags [n] as warnings."""
    for name, rows in flags.items():
        if rows.any():
            count = int(rows.sum())
            yield _warning(name.replace("_", "-"), f"{count} item-locations {FLAGS[name]}", count)


def _warning(code: str, detail: str, count: int) -> dict[str, Any]:
    return {"code": code, "detail": detail, "count": count}
