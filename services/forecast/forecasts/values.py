"""A forecast's values out of the arrays that they are stored in: by pages for people, as one stream for programs."""

from array import array
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import pyarrow as pa
from sqlalchemy import Select, select

from services.forecast import export
from services.forecast.forecasts.schemas import ForecastValueOut
from services.forecast.forecasts.tables import Forecast, ForecastCell, ForecastSeries
from services.forecast.selection import Selection
from shared.db import Database

BATCH_VALUES = 500_000
CELL_KEYS = [ForecastCell.item, ForecastCell.location, ForecastCell.step]


def cells(run: Forecast, which: Selection) -> Select[ForecastCell]:
    """One row per item-location and period."""
    found = select(ForecastCell).where(ForecastCell.forecast_id == run.id)
    return which.of(found, ForecastCell.item, ForecastCell.location)


def value(run: Forecast, cell: ForecastCell) -> ForecastValueOut:
    quantiles = {f"{level:g}": quantile for level, quantile in zip(run.quantiles, cell.quantiles, strict=True)}
    period = run.periods[cell.step - 1]
    return ForecastValueOut(item=cell.item, location=cell.location, period=period, mean=cell.mean, quantiles=quantiles)


def schema(run: Forecast) -> pa.Schema:
    """item, location, period, mean, one column per quantile (`q0.1`), dependence."""
    numbers = ["mean", *(f"q{level:g}" for level in run.quantiles), "dependence"]
    names = [("item", pa.string()), ("location", pa.string()), ("period", pa.date32())]
    return pa.schema([*names, *((name, pa.float64()) for name in numbers)])


def batches(database: Database, run: Forecast, which: Selection) -> Iterator[pa.RecordBatch]:
    """All rows by item, location and period; memory holds about `BATCH_VALUES` numbers at a time."""
    columns = ("item", "location", "mean", "quantiles", "dependence")
    row = ForecastSeries
    found = select(*(getattr(row, name) for name in columns)).where(row.forecast_id == run.id)
    ordered = which.of(found, row.item, row.location).order_by(row.item, row.location)
    a_batch = max(1, BATCH_VALUES // (len(run.periods) * (len(run.quantiles) + 1)))
    with database.read() as session:
        result = session.execute(ordered.execution_options(yield_per=a_batch))
        for rows in result.partitions():
            yield _batch(run, *zip(*rows, strict=True))


def _batch(
    run: Forecast,
    items: Sequence[str],
    locations: Sequence[str],
    means: Sequence[list[float]],
    quantiles: Sequence[list[float]],
    dependence: Sequence[float],
) -> pa.RecordBatch:
    horizon, levels = len(run.periods), len(run.quantiles)
    by_level = array("d", chain.from_iterable(quantiles))
    columns = [
        export.strings(_repeated(items, horizon)),
        export.strings(_repeated(locations, horizon)),
        export.dates(run.periods * len(items)),
        export.floats(chain.from_iterable(means)),
        *(export.floats(by_level[level::levels]) for level in range(levels)),
        export.floats(_repeated(dependence, horizon)),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema(run))


def _repeated(values: Sequence[Any], times: int) -> list[Any]:
    return [value for value in values for _ in range(times)]
