"""Tables over HTTP, inbound: rows as JSON or CSV."""

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any

from fastapi import Depends, Request
from pydantic import TypeAdapter, ValidationError

from shared.errors import TooLarge, Unprocessable, UnsupportedMedia, field_errors
from shared.http import parse_json, read_body
from shared.media import CSV, JSON
from shared.schemas import CELLS, Schema

MOST_BYTES = 32 << 20
MOST_ROWS = 100_000


class Rows:
    """A body of one or many rows, as it came in."""

    def __init__(self, media: str, body: bytes) -> None:
        self.media = media
        self.body = body

    def read[S: Schema](self, row: type[S]) -> list[S]:
        """The rows, each valid; otherwise 422 with a pointer to every field that is not (`#/12/quantity`)."""
        context: dict[str, bool] | None = None
        if self.media == CSV:
            rows, context = _csv_rows(self.body, row), CELLS
        else:
            content = parse_json(self.body)
            rows = content if isinstance(content, list) else [content]
        if len(rows) > MOST_ROWS:
            raise TooLarge(f"A request may hold at most {MOST_ROWS} rows; send several.")
        try:
            return TypeAdapter(list[row]).validate_python(rows, context=context)  # type: ignore[valid-type]
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False, include_context=False)
            raise Unprocessable(
                "Some rows do not hold; nothing was stored.", errors=field_errors(_in_body(found))
            ) from None


def _in_body(found: Iterable[Any]) -> list[Any]:
    return [error | {"loc": ("body", *error["loc"])} for error in found]


def _csv_rows(body: bytes, row: type[Schema]) -> list[dict[str, str]]:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unprocessable("The CSV file is not UTF-8.") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, [])
        _check_header(header, row)
        return [_cells(header, cells, line) for line, cells in enumerate(reader, start=2) if cells]
    except csv.Error:
        raise Unprocessable(f"The CSV file cannot be read at line {reader.line_num}.") from None


def _check_header(header: Sequence[str], row: type[Schema]) -> None:
    known = set(row.model_fields)
    if not header or len(set(header)) != len(header) or not set(header) <= known:
        names = ", ".join(row.model_fields)
        raise Unprocessable(f"The first line must name columns among: {names}. Columns are separated by commas.")


def _cells(header: Sequence[str], cells: Sequence[str], line: int) -> dict[str, str]:
    if len(cells) != len(header):
        raise Unprocessable(f"Line {line} has {len(cells)} cells where the first line names {len(header)}.")
    return {name: cell for name, cell in zip(header, cells, strict=True) if cell != ""}


async def _rows(request: Request) -> Rows:
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media not in {JSON, CSV}:
        raise UnsupportedMedia(f"This call takes {JSON} or {CSV}.")
    return Rows(media, await read_body(request, MOST_BYTES))


Table = Annotated[Rows, Depends(_rows)]


def accepts(row: type[Schema]) -> dict[str, Any]:
    """The `openapi_extra=` of a route that takes a table."""
    schema = row.model_json_schema(ref_template="#/components/schemas/{model}")
    many = {"type": "array", "items": schema, "maxItems": MOST_ROWS}
    content = {JSON: {"schema": {"anyOf": [many, schema]}}, CSV: {"schema": {"type": "string"}}}
    return {"requestBody": {"required": True, "content": content}}


def reject_duplicates[S](rows: Sequence[S], key: Callable[[S], Any]) -> None:
    """422 where two rows of one body have the same natural key: which of them should stand?"""
    counts = Counter(key(row) for row in rows)
    if len(counts) == len(rows):
        return
    twice = [index for index, row in enumerate(rows) if counts[key(row)] > 1]
    errors = [{"pointer": f"#/{index}", "detail": "another row has the same key"} for index in twice]
    raise Unprocessable("Some rows have the same key; nothing was stored.", errors=errors)
