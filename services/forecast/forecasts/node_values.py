"""A forecast's aggregates out of the arrays that they are stored in: by pages or as one stream."""

from collections.abc import Iterator

import pyarrow as pa
from sqlalchemy import Select, select

from services.forecast.forecasts.schemas import NodeValueOut
from services.forecast.forecasts.tables import Forecast, ForecastNode, NodeCell
from services.forecast.forecasts.values import BATCH_VALUES, by_level, quantile_names
from services.forecast.selection import Selection
from shared import columns, fetch
from shared.db import Database
from shared.errors import Conflict, NotFound, Unprocessable

CELL_KEYS = [NodeCell.node, NodeCell.step]


class NoLevels(Conflict):
    slug, title = "no-levels", "The forecast has no aggregates"


class UnknownLevel(NotFound):
    slug, title = "unknown-level", "No such level"


def require(run: Forecast, level: str, which: Selection) -> None:
    """Raises NoLevels for a forecast without aggregates, UnknownLevel, and Unprocessable for a filter by item."""
    if which.item is not None or which.location is not None:
        raise Unprocessable("`level` gives aggregates: leave `item` and `location` away, or leave `level` away.")
    if not run.levels:
        raise NoLevels(
            "This forecast has no aggregates: it was made elsewhere, or by a release that did not keep them yet. "
            "POST forecasts makes one that has."
        )
    if level not in run.levels:
        raise UnknownLevel(f"This forecast has the levels {', '.join(run.levels)}.")


def cells(run: Forecast, level: str) -> Select[NodeCell]:
    """One row per node and period."""
    return select(NodeCell).where(NodeCell.forecast_id == run.id, NodeCell.level == level)


def value(run: Forecast, cell: NodeCell) -> NodeValueOut:
    return NodeValueOut(
        level=cell.level,
        node=cell.node,
        period=run.periods[cell.step - 1],
        mean=cell.mean,
        quantiles=by_level(run, cell.quantiles),
    )


def schema(run: Forecast) -> pa.Schema:
    """level, node, period, mean, one column per quantile (`q0.1`)."""
    names = [("level", pa.string()), ("node", pa.string()), ("period", pa.date32())]
    return pa.schema([*names, *((name, pa.float64()) for name in ("mean", *quantile_names(run)))])


def batches(database: Database, run: Forecast, level: str) -> Iterator[pa.RecordBatch]:
    """All rows by node and period; memory holds about `BATCH_VALUES` numbers at a time."""
    row = ForecastNode
    found = select(row.node, row.mean, row.quantiles).where(row.forecast_id == run.id, row.level == level)
    a_batch = max(1, BATCH_VALUES // (len(run.periods) * (len(run.quantiles) + 1)))
    for rows in fetch.parts(database, found.order_by(row.node), a_batch):
        yield _batch(run, level, *zip(*rows, strict=True))


def _batch(
    run: Forecast, level: str, nodes: tuple[str, ...], means: tuple[bytes, ...], quantiles: tuple[bytes, ...]
) -> pa.RecordBatch:
    horizon, levels = len(run.periods), len(run.quantiles)
    by_level = columns.matrix(quantiles, horizon * levels).reshape(-1, levels).T
    measures = (columns.matrix(means, horizon).ravel(), *by_level)
    return columns.by_period(schema(run), ([level] * len(nodes), nodes), run.periods, measures)
