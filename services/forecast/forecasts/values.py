"""A forecast's values out of the arrays that they are stored in: by pages for people, as one stream for programs."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from sqlalchemy import Select, select

from services.forecast.forecasts.schemas import ForecastValueOut
from services.forecast.forecasts.tables import Forecast, ForecastCell, ForecastSeries
from services.forecast.selection import Selection
from shared import columns, fetch
from shared.db import Database

BATCH_VALUES = 500_000
CELL_KEYS = [ForecastCell.item, ForecastCell.location, ForecastCell.step]


def cells(run: Forecast, which: Selection) -> Select[ForecastCell]:
    """One row per item-location and period."""
    found = select(ForecastCell).where(ForecastCell.forecast_id == run.id)
    return which.of(found, ForecastCell.item, ForecastCell.location)


def value(run: Forecast, cell: ForecastCell) -> ForecastValueOut:
    period, quantiles = run.periods[cell.step - 1], by_level(run, cell.quantiles)
    return ForecastValueOut(item=cell.item, location=cell.location, period=period, mean=cell.mean, quantiles=quantiles)


def by_level(run: Forecast, quantiles: Sequence[float]) -> dict[str, float]:
    return {f"{level:g}": quantile for level, quantile in zip(run.quantiles, quantiles, strict=True)}


def quantile_names(run: Forecast) -> list[str]:
    """Names of a table's columns of quantiles."""
    return [f"q{level:g}" for level in run.quantiles]


def schema(run: Forecast) -> pa.Schema:
    """item, location, period, mean, one column per quantile (`q0.1`), dependence."""
    numbers = ["mean", *quantile_names(run), "dependence"]
    names = [("item", pa.string()), ("location", pa.string()), ("period", pa.date32())]
    return pa.schema([*names, *((name, pa.float64()) for name in numbers)])


def batches(database: Database, run: Forecast, which: Selection) -> Iterator[pa.RecordBatch]:
    """All rows by item, location and period; memory holds about `BATCH_VALUES` numbers at a time."""
    row = ForecastSeries
    found = select(row.item, row.location, row.mean, row.quantiles, row.dependence).where(row.forecast_id == run.id)
    ordered = which.of(found, row.item, row.location).order_by(row.item, row.location)
    a_batch = max(1, BATCH_VALUES // (len(run.periods) * (len(run.quantiles) + 1)))
    for rows in fetch.parts(database, ordered, a_batch):
        yield _batch(run, *zip(*rows, strict=True))


def _batch(
    run: Forecast,
    items: tuple[str, ...],
    locations: tuple[str, ...],
    means: tuple[bytes, ...],
    quantiles: tuple[bytes, ...],
    dependence: tuple[float, ...],
) -> pa.RecordBatch:
    horizon, levels = len(run.periods), len(run.quantiles)
    by_level = columns.matrix(quantiles, horizon * levels).reshape(-1, levels).T
    measures = (columns.matrix(means, horizon).ravel(), *by_level, np.repeat(dependence, horizon))
    return columns.by_period(schema(run), (items, locations), run.periods, measures)
