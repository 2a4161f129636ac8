"""Explanations of all item-locations out of the arrays that they are stored in: by pages or as one stream."""

from collections.abc import Iterator

import pyarrow as pa
from sqlalchemy import Select, select

from services.forecast.explanations.problems import NotExplained
from services.forecast.explanations.schemas import ExplainedValueOut
from services.forecast.explanations.tables import ExplainedCell, SeriesExplanation
from services.forecast.forecasts.tables import Forecast
from services.forecast.forecasts.values import BATCH_VALUES
from services.forecast.selection import Selection
from shared import columns, fetch
from shared.db import Database

CELL_KEYS = [ExplainedCell.item, ExplainedCell.location, ExplainedCell.step]


def require(run: Forecast) -> None:
    """Raises NotExplained."""
    if not run.explain:
        raise NotExplained(
            "This forecast was asked for without explanations: POST forecasts with `explain` makes one that has them. "
            "GET …/explanation tells of one item-location of any."
        )


def cells(run: Forecast, which: Selection) -> Select[ExplainedCell]:
    """One row per item-location and period."""
    found = select(ExplainedCell).where(ExplainedCell.forecast_id == run.id)
    return which.of(found, ExplainedCell.item, ExplainedCell.location)


def value(run: Forecast, cell: ExplainedCell) -> ExplainedValueOut:
    return ExplainedValueOut(
        item=cell.item,
        location=cell.location,
        period=run.periods[cell.step - 1],
        mean=cell.mean,
        base=cell.base,
        units=dict(zip(run.causes, cell.units, strict=True)),
    )


def schema(run: Forecast) -> pa.Schema:
    """item, location, period, mean, base, one column per cause (`units_price`)."""
    names = [("item", pa.string()), ("location", pa.string()), ("period", pa.date32())]
    numbers = ["mean", "base", *(f"units_{cause}" for cause in run.causes)]
    return pa.schema([*names, *((name, pa.float64()) for name in numbers)])


def batches(database: Database, run: Forecast, which: Selection) -> Iterator[pa.RecordBatch]:
    """All rows by item, location and period; memory holds about `BATCH_VALUES` numbers at a time."""
    row = SeriesExplanation
    found = select(row.item, row.location, row.mean, row.base, row.units).where(row.forecast_id == run.id)
    ordered = which.of(found, row.item, row.location).order_by(row.item, row.location)
    a_batch = max(1, BATCH_VALUES // (len(run.periods) * (len(run.causes) + 2)))
    for rows in fetch.parts(database, ordered, a_batch):
        yield _batch(run, *zip(*rows, strict=True))


def _batch(
    run: Forecast,
    items: tuple[str, ...],
    locations: tuple[str, ...],
    means: tuple[bytes, ...],
    bases: tuple[bytes, ...],
    units: tuple[bytes, ...],
) -> pa.RecordBatch:
    horizon, causes = len(run.periods), len(run.causes)
    by_cause = columns.matrix(units, horizon * causes).reshape(-1, causes).T
    mean, base = (columns.matrix(values, horizon).ravel() for values in (means, bases))
    return columns.by_period(schema(run), (items, locations), run.periods, (mean, base, *by_cause))
