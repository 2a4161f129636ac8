"""Whole tables out of the database, batch by batch, so that memory holds one batch however long the table is."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from sqlalchemy import Select

from shared.db import Database

BATCH_ROWS = 20_000


def batches(database: Database, statement: Select[*tuple[Any, ...]], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The rows of `statement`, whose columns stand in the order of `schema`.

    The session is the export's own: it lives as long as the client reads, not as long as the handler runs.
    """
    with database.read() as session:
        result = session.execute(statement.execution_options(yield_per=BATCH_ROWS))
        for rows in result.partitions():
            columns = zip(*rows, strict=True)
            arrays = [pa.array(values, type=field.type) for values, field in zip(columns, schema, strict=True)]
            yield pa.record_batch(arrays, schema=schema)
