"""Tables over HTTP, outbound: whole, as CSV, NDJSON, Parquet or an Arrow stream, while memory holds one batch.

CSV as in RFC 4180, but with lines that end in LF: text is quoted, an empty cell without quotes is null. A cell may
begin with `=`, as what came in did: a program that would run it as a formula has to be told that this is data.
NDJSON: one object a line, under the names of the columns.
"""

import contextlib
import io
from collections.abc import Callable, Generator, Iterator
from itertools import chain
from typing import Any, Protocol, Self

import anyio
import pyarrow as pa
import pyarrow.csv
from fastapi.concurrency import iterate_in_threadpool, run_in_threadpool
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from shared import lines
from shared.media import ARROW, CSV, NDJSON, PARQUET

_TEXT, _BYTES = {"schema": {"type": "string"}}, {"schema": {"type": "string", "format": "binary"}}
# What `responses=` of a route says that answers tables in all formats besides JSON.
AS_TABLE: dict[int | str, dict[str, Any]] = {
    200: {"content": {CSV: _TEXT, NDJSON: _TEXT, PARQUET: _BYTES, ARROW: _BYTES}}
}


def stream(media: str, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> "Export":
    """A table in the format `media`, batch by batch."""
    return Export(media, encoded(media, schema, batches))


class Export(StreamingResponse):
    """An answer that begins when its first piece is there: what goes wrong before is a problem with its own status.

    What goes wrong later cuts the connection, so that a partial table does not look whole.
    """

    def __init__(self, media: str, pieces: Generator[bytes]) -> None:
        super().__init__(pieces, media_type=media)
        self._pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            first = await run_in_threadpool(next, self._pieces)
            self.body_iterator = iterate_in_threadpool(chain([first], self._pieces))
            await super().__call__(scope, receive, send)
        finally:  # the caller may have left: the database session ends now
            with anyio.CancelScope(shield=True):
                await run_in_threadpool(self._pieces.close)


def encoded(media: str, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> Generator[bytes]:
    """The bytes of a table, at least one piece."""
    sink = io.BytesIO()
    with WRITERS[media](sink, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
            if piece := _drain(sink):
                yield piece
    yield _drain(sink)


def _drain(sink: io.BytesIO) -> bytes:
    content = sink.getvalue()
    sink.seek(0)
    sink.truncate()
    return content


class Writer(Protocol):
    """pyarrow's writers, and ours that look like them."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *error: object) -> None: ...
    def write_batch(self, batch: pa.RecordBatch, /) -> None: ...


class _Lines(contextlib.AbstractContextManager["_Lines"]):
    """NDJSON."""

    def __init__(self, sink: io.BytesIO, _: pa.Schema) -> None:
        self._sink = sink

    def __exit__(self, *_: object) -> None:
        pass

    def write_batch(self, batch: pa.RecordBatch) -> None:
        self._sink.write(lines.of(batch))


class _Csv(contextlib.AbstractContextManager["_Csv"]):
    """pyarrow's CSV, with instants as RFC 3339 writes them."""

    def __init__(self, sink: io.BytesIO, schema: pa.Schema) -> None:
        self._writer = pa.csv.CSVWriter(sink, lines.spelling(schema))

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def write_batch(self, batch: pa.RecordBatch) -> None:
        self._writer.write_batch(lines.spelled(batch))


def _parquet(sink: io.BytesIO, schema: pa.Schema) -> Writer:
    """One row group a batch. Numbers hardly repeat: a dictionary of them would be built in vain."""
    import pyarrow.parquet as pq  # noqa: PLC0415  most processes never write it

    words = [field.name for field in schema if field.type != pa.float64()]
    writer: Writer = pq.ParquetWriter(sink, schema, compression="zstd", use_dictionary=words)
    return writer


WRITERS: dict[str, Callable[[io.BytesIO, pa.Schema], Writer]] = {
    CSV: _Csv,
    NDJSON: _Lines,
    PARQUET: _parquet,
    ARROW: pa.ipc.new_stream,
}
