"""Whole tables out of the database, batch by batch, so that memory holds one batch however long the table is.

Arrays are put together from buffers: `pyarrow.array` would import pandas, which has no place in an API process.
"""

import datetime
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any

import pyarrow as pa
from sqlalchemy import Select

from shared.db import Database

BATCH_ROWS = 20_000
EPOCH = datetime.date(1970, 1, 1).toordinal()


def batches(database: Database, statement: Select[*tuple[Any, ...]], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The rows of `statement`, whose columns stand in the order of `schema` and hold no null.

    The session is the export's own: it lives as long as the client reads, not as long as the handler runs.
    """
    with database.read() as session:
        result = session.execute(statement.execution_options(yield_per=BATCH_ROWS))
        for rows in result.partitions():
            columns = zip(*rows, strict=True)
            arrays = [MAKERS[field.type](values) for values, field in zip(columns, schema, strict=True)]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def strings(values: Sequence[str]) -> pa.Array:
    encoded = [value.encode() for value in values]
    offsets = array("i", accumulate(map(len, encoded), initial=0))
    return pa.Array.from_buffers(
        pa.string(), len(values), [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded))]
    )


def floats(values: Iterable[float]) -> pa.Array:
    numbers = array("d", values)
    return pa.Array.from_buffers(pa.float64(), len(numbers), [None, pa.py_buffer(numbers)])


def dates(values: Iterable[datetime.date]) -> pa.Array:
    days = array("i", (value.toordinal() - EPOCH for value in values))
    return pa.Array.from_buffers(pa.date32(), len(days), [None, pa.py_buffer(days)])


def flags(values: Sequence[bool]) -> pa.Array:
    bits = bytes(sum(bit << place for place, bit in enumerate(values[at : at + 8])) for at in range(0, len(values), 8))
    return pa.Array.from_buffers(pa.bool_(), len(values), [None, pa.py_buffer(bits)])


MAKERS: dict[pa.DataType, Callable[[Any], pa.Array]] = {
    pa.string(): strings,
    pa.float64(): floats,
    pa.date32(): dates,
    pa.bool_(): flags,
}
