"""A table's schema, and bodies that hold its rows."""

import datetime
import io

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field, model_validator

from shared import parse
from shared.parse import CSV
from shared.rows import Reader, joined
from shared.schemas import Code, Date, Flag, Money, Number, Quantity, Schema, Whole

DAY = datetime.date(2026, 1, 5)
BIG = 1_000_000
UTC = datetime.UTC


class Row(Schema):
    item: Code
    period: Date
    quantity: Quantity
    lots: Whole | None = None
    in_stock: Flag = True
    price: Money | None = None
    share: Number | None = Field(default=None, alias="q0.5")


class Pair(Schema):
    low: Number
    high: Number
    name: Code = "pair"

    @model_validator(mode="after")
    def ordered(self):
        if self.low > self.high:
            raise ValueError("low is above high")
        return self


def read(media, body, schema=Row, size=3):
    """All records and faults of a body, read in batches of `size`."""
    reader = Reader(schema, cells=media == CSV)
    parts, faults = [reader.read(parse.Raw([], {}, []))[0]], []
    content = body if isinstance(body, bytes) else body.encode()
    for raw in parse.batches(io.BytesIO(content), media, reader.names, size):
        rows, wrong = reader.read(raw)
        parts.append(rows)
        faults += wrong
    return joined(parts), faults


def records(media, body, schema=Row):
    rows, faults = read(media, body, schema)
    assert faults == []
    return rows.records()


def pointers(faults):
    return [fault.error()["pointer"] for fault in faults]


def arrow(table, compression=None):
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write(table)
    return sink.getvalue()


def parquet(table, **options):
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()
