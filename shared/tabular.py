"""Tables out over HTTP: JSON, CSV or an Arrow stream."""

import io
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.csv
from fastapi import Request
from fastapi.responses import StreamingResponse

from shared.errors import Problem
from shared.upload import ARROW, CSV, JSON

__all__ = ["ARROW", "CSV", "JSON"]


class NotAcceptable(Problem):
    status, slug, title = 406, "not-acceptable", "No representation that was asked for"


def wanted(request: Request, *offers: str) -> str:
    """The first of our `offers` that the caller accepts (RFC 9110, 12.5.1, without weights); 406 where none is."""
    accept = request.headers.get("accept", "*/*")
    asked = {part.partition(";")[0].strip().lower() for part in accept.split(",")}
    for offer in offers:
        if asked & {offer, offer.partition("/")[0] + "/*", "*/*"}:
            return offer
    raise NotAcceptable(f"This call answers with {', '.join(offers)}.")


def stream(media: str, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> StreamingResponse:
    """A table as CSV or Arrow stream, batch by batch; memory holds one batch."""
    return StreamingResponse(_encoded(media, schema, batches), media_type=media)


def _encoded(media: str, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> Iterator[bytes]:
    sink = io.BytesIO()
    make = pa.csv.CSVWriter if media == CSV else pa.ipc.new_stream
    with make(sink, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
            yield _drain(sink)
    yield _drain(sink)


def _drain(sink: io.BytesIO) -> bytes:
    content = sink.getvalue()
    sink.seek(0)
    sink.truncate()
    return content
