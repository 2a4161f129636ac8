"""From the tables that a run read to the engine's panel, and what a person should know of the data."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from services.forecast import matrices
from services.forecast.engine import alignment
from services.forecast.engine.calendar import Calendar, Frequency
from services.forecast.engine.cells import Floats, Ints
from services.forecast.engine.cross_section import blocks
from services.forecast.engine.panel import DriverDefinition, DriverPanel, Panel
from services.forecast.inputs import Inputs
from services.forecast.matrices import Rows, Spans
from services.forecast.models.tables import ModelVersion, TrainingRun

type Warnings = list[dict[str, Any]]

SPORADIC = {"promotion", "event"}
ATTRIBUTES = ("items", "locations")


@dataclass(frozen=True)
class Profile:
    """The time profile that a model is trained for and forecasts in."""

    frequency: Frequency
    season_length: int
    horizon: int

    @classmethod
    def of(cls, what: TrainingRun | ModelVersion) -> "Profile":
        return cls(what.frequency, what.season_length, what.horizon)


def panel(inputs: Inputs, profile: Profile, spool: Path | None = None) -> tuple[Panel, Warnings]:
    """The panel whose history ends with the origin, and warnings on its drivers.

    A period without a row after an item-location's first one is zero demand; out of stock is unknown demand. Of the
    tables memory holds one block at a time; of the panel nothing, where a directory `spool` takes its matrices.
    """
    spans = Spans.of(inputs.tables["demand"])
    series = alignment.series_table(spans.codes, None, [_attributes(inputs.whole(name)) for name in ATTRIBUTES])
    first = spans.first.min() if inputs.start is None else np.datetime64(inputs.start)
    calendar = Calendar.spanning(profile.frequency, first, np.datetime64(inputs.origin), profile.horizon)
    drivers, warnings = _drivers(inputs, series, calendar, spool)
    found = Panel(
        frequency=profile.frequency,
        season=profile.season_length,
        periods=calendar.history,
        future=calendar.future,
        series=series,
        demand=matrices.demand(spans, series, calendar, inputs.tables["demand"], spool),
        drivers=drivers,
    )
    return found, warnings


def _attributes(table: pa.Table) -> pd.DataFrame:
    """Without the columns that hold nothing."""
    frame: pd.DataFrame = table.to_pandas()
    return frame.dropna(axis="columns", how="all")


def _drivers(
    inputs: Inputs, series: pd.DataFrame, calendar: Calendar, spool: Path | None
) -> tuple[tuple[DriverPanel, ...], Warnings]:
    found, silent, warnings = [], [], []
    for row in inputs.whole("drivers").to_pylist():
        rows = Rows.of(series, _codes(row["scope"]))
        matrix, first = matrices.driver(rows, calendar, _values(inputs, row["driver"]), spool)
        if np.isnat(first):
            detail = f"Driver {row['driver']} has no values; it is left out."
            silent.append(_warning("driver-without-values", detail, 1))
            continue
        definition = DriverDefinition(row["driver"], row["kind"], row["known_ahead"], row["publication_delay"])
        driver, place = DriverPanel(definition, matrix), rows.of_series(series)
        begun = int(np.searchsorted(calendar.timeline, first))
        warnings += _completed(driver, len(calendar.history), begun, np.bincount(place, minlength=len(rows)))
        found.append(DriverPanel(definition, _spread(matrix, place, spool)))
    return tuple(found), [*silent, *warnings]


def _values(inputs: Inputs, driver: str) -> Iterator[pa.Table]:
    """The rows of one driver, block by block."""
    parts = (block.filter(pc.field("driver") == driver) for block in inputs.tables["driver_values"])
    return (part for part in parts if part.num_rows)


def _spread(matrix: Floats, place: Ints, spool: Path | None) -> Floats:
    """The matrix of all series [n] out of that of their scopes, whose rows are the series' `place` [n]."""
    if len(matrix) == 1:
        return np.broadcast_to(matrix, (len(place), matrix.shape[1]))
    if len(matrix) == len(place):
        return matrix
    found = matrices.empty((len(place), matrix.shape[1]), spool)
    for part in blocks(*found.shape):
        found[part] = matrix[place[part]]
    return found


def _codes(scope: str) -> list[str]:
    return [] if scope == "global" else scope.split("-")


def _completed(driver: DriverPanel, history: int, begun: int, sizes: Ints) -> Warnings:
    """Complete the driver in its place, some rows at a time, and say so once for all of them."""
    parts = list(blocks(*driver.matrix.shape))
    warnings = [_complete(replace(driver, matrix=driver.matrix[rows]), history, begun, sizes[rows]) for rows in parts]
    told = [warning for warning in warnings if warning is not None]
    if not told or (driver.definition.kind in SPORADIC and len(told) < len(parts)):
        return []
    return [told[0] | {"count": sum(warning["count"] for warning in told)}]


def _complete(driver: DriverPanel, history: int, begun: int, sizes: Ints) -> dict[str, Any] | None:
    found, warning = complete(driver, history, begun, sizes)
    driver.matrix[:] = found.matrix
    return warning


def complete(driver: DriverPanel, history: int, begun: int, sizes: Ints) -> tuple[DriverPanel, dict[str, Any] | None]:
    """A driver without unknown values where a rule supplies them, and the warning that says so.

    A promotion or an event that no row tells of is none (0), from the driver's first value (column `begun`) on. Other
    drivers known ahead keep their last value where the future (columns from `history` on) lacks one. sizes: how many
    item-locations each row speaks for.
    """
    if driver.definition.kind in SPORADIC:
        return _none_where_silent(driver, history, begun, sizes)
    if driver.definition.known_ahead:
        return _held(driver, history, sizes)
    return driver, None


def _none_where_silent(
    driver: DriverPanel, history: int, begun: int, sizes: Ints
) -> tuple[DriverPanel, dict[str, Any] | None]:
    known = ~np.isnan(driver.matrix)
    filled = driver.matrix.copy()
    filled[:, begun:][~known[:, begun:]] = 0
    silent = driver.definition.known_ahead and not known[:, history:].any()
    detail = f"Driver {driver.name} has no values inside the horizon: none is taken to be planned."
    warning = _warning("driver-none-ahead", detail, int(sizes.sum())) if silent else None
    return replace(driver, matrix=filled), warning


def _held(driver: DriverPanel, history: int, sizes: Ints) -> tuple[DriverPanel, dict[str, Any] | None]:
    known = ~np.isnan(driver.matrix)
    newest = np.maximum.accumulate(np.where(known, np.arange(known.shape[1]), 0), axis=1)
    held = driver.matrix.copy()
    held[:, history:] = np.take_along_axis(driver.matrix, newest, axis=1)[:, history:]
    touched = int(sizes[(~known & ~np.isnan(held))[:, history:].any(axis=1)].sum())
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
