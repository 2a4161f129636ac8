"""Arrow columns out of Python values and of PostgreSQL's arrays.

They are put together from buffers: `pyarrow.array` would import pandas, which has no place in an API process.
"""

import datetime
from array import array
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

EPOCH = datetime.date(1970, 1, 1).toordinal()
BEGINNING = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
INSTANT = pa.timestamp("us", tz="UTC")
# An array as PostgreSQL sends it (array_send in its source): dimensions, null flag, type, size, lower bound, elements.
HEADER, ELEMENT = (">i4", 5), np.dtype([("bytes", ">i4"), ("value", ">f8")])


def strings(values: Sequence[str | None]) -> pa.Array:
    encoded = [b"" if value is None else value.encode() for value in values]
    offsets = array("i", accumulate(map(len, encoded), initial=0))
    known = _bits([value is not None for value in values]) if None in values else None
    return pa.Array.from_buffers(
        pa.string(), len(values), [known, pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded))]
    )


def floats(values: Sequence[float | None]) -> pa.Array:
    known = _bits([value is not None for value in values]) if None in values else None
    content = np.fromiter((0.0 if value is None else value for value in values), np.float64)
    return pa.Array.from_buffers(pa.float64(), len(content), [known, pa.py_buffer(content)])


def numbers(values: npt.NDArray[np.float64]) -> pa.Array:
    """The same memory as a column."""
    return pa.Array.from_buffers(pa.float64(), len(values), [None, pa.py_buffer(np.ascontiguousarray(values))])


def integers(values: Sequence[int | None]) -> pa.Array:
    known = _bits([value is not None for value in values]) if None in values else None
    whole = array("q", (0 if value is None else value for value in values))
    return pa.Array.from_buffers(pa.int64(), len(whole), [known, pa.py_buffer(whole)])


def dates(values: Iterable[datetime.date]) -> pa.Array:
    return _days(np.fromiter((value.toordinal() - EPOCH for value in values), np.int32))


def instants(values: Iterable[datetime.datetime]) -> pa.Array:
    """Microseconds since 1970 in UTC."""
    elapsed = array("q", ((value - BEGINNING) // datetime.timedelta(microseconds=1) for value in values))
    return pa.Array.from_buffers(INSTANT, len(elapsed), [None, pa.py_buffer(elapsed)])


def flags(values: Sequence[bool]) -> pa.Array:
    return pa.Array.from_buffers(pa.bool_(), len(values), [None, _bits(values)])


def repeated(values: Sequence[str], times: int) -> pa.Array:
    """Each value `times` times in a row: n values make n * times cells."""
    encoded = [value.encode() for value in values]
    offsets = np.zeros(len(values) * times + 1, np.int32)
    np.cumsum(np.repeat([len(value) for value in encoded], times), out=offsets[1:])
    content = b"".join(value * times for value in encoded)
    return pa.Array.from_buffers(pa.string(), len(offsets) - 1, [None, pa.py_buffer(offsets), pa.py_buffer(content)])


def cycled(values: Sequence[datetime.date], times: int) -> pa.Array:
    """All dates, `times` times over."""
    return _days(np.tile(np.array([value.toordinal() - EPOCH for value in values], np.int32), times))


def by_period(
    schema: pa.Schema,
    keys: Iterable[Sequence[str]],
    periods: Sequence[datetime.date],
    measures: Iterable[npt.NDArray[np.float64]],
) -> pa.RecordBatch:
    """A row per key and period: what each of `keys` [n] has there, the period, each of `measures` [n * T]."""
    names = list(keys)
    found = [
        *(repeated(values, len(periods)) for values in names),
        cycled(periods, len(names[0])),
        *map(numbers, measures),
    ]
    return pa.RecordBatch.from_arrays(found, schema=schema)


def matrix(fields: Sequence[bytes], length: int) -> npt.NDArray[np.float64]:
    """[n, length] out of n `float8[]` as PostgreSQL sends them. ValueError where one has another length or a null."""
    kind = np.dtype([("header", *HEADER), ("elements", ELEMENT, length)])
    if any(len(field) != kind.itemsize for field in fields):
        raise ValueError(f"an array does not hold {length} numbers")
    values = np.frombuffer(b"".join(fields), kind)["elements"]["value"]
    return values.astype(np.float64)


def _days(values: npt.NDArray[np.int32]) -> pa.Array:
    return pa.Array.from_buffers(pa.date32(), len(values), [None, pa.py_buffer(values)])


def _bits(values: Sequence[bool]) -> pa.Buffer:
    return pa.py_buffer(np.packbits(np.array(values, bool), bitorder="little"))


MAKERS: dict[pa.DataType, Callable[[Any], pa.Array]] = {
    pa.string(): strings,
    pa.float64(): floats,
    pa.int64(): integers,
    pa.date32(): dates,
    pa.bool_(): flags,
    INSTANT: instants,
}


def batch(schema: pa.Schema, columns: Iterable[Any]) -> pa.RecordBatch:
    """Values column by column, in the order of `schema`; only strings and floats may be null."""
    arrays = [MAKERS[field.type](values) for field, values in zip(schema, columns, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
