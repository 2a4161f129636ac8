"""The five table formats as batches of columns. What a field may hold is not known here; see `shared/rows.py`.

A fault is what is wrong with one row; what is wrong with the body as a whole is a problem at once.
"""

import csv
import io
import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from shared.errors import Problem, TooLarge, Unprocessable, pointer
from shared.http import parse_json
from shared.media import ARROW, CSV, JSON, NDJSON, PARQUET
from shared.messages import Messages
from shared.upload import MOST_DECODED_BYTES

MOST_ROWS = 5_000_000
MOST_JSON_BYTES = 32 << 20
MOST_JSON_ROWS = 1_000_000
MOST_LINE_BYTES = 1 << 20
MOST_BATCH_BYTES = 64 << 20
MISSING: Final = object()

type Column = list[Any] | pa.Array


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a row: its place in the body from 0, the field, and why in words that echo no value."""

    row: int
    field: str | None
    detail: str

    def error(self) -> dict[str, str]:
        """As a problem document shows it."""
        return {"pointer": pointer([self.row] if self.field is None else [self.row, self.field]), "detail": self.detail}


@dataclass(frozen=True)
class Raw:
    """Rows as they were sent: their places in the body, and one column of cells for each field that was sent.

    Absent cells are MISSING in JSON, empty in CSV, null in Arrow. `faults` may be of rows that are not among `numbers`.
    """

    numbers: Sequence[int]
    columns: Mapping[str, Column]
    faults: Sequence[Fault]


def batches(stream: BinaryIO, media: str, fields: Collection[str], size: int) -> Iterator[Raw]:
    """The rows of a body, `size` at a time. Raises Unprocessable, BadRequest or TooLarge for the body as a whole."""
    return FORMATS[media](stream, fields, size)


def _csv(stream: BinaryIO, fields: Collection[str], size: int) -> Iterator[Raw]:
    text = io.TextIOWrapper(stream, "utf-8-sig", newline="")
    lines = _Lines(text)
    reader = csv.reader(lines, strict=True)
    rows = lines.counted(reader)
    try:
        header = next(reader, [])
        _check_names(header, fields, "The first line")
        numbers = itertools.count()
        for batch in _batched(_filled(rows, bool), size, lambda row: sum(map(len, row))):
            yield _of_lines(header, {number: row for row, number in zip(batch, numbers, strict=False)})
    except UnicodeDecodeError:
        raise Unprocessable("The CSV file is not UTF-8.") from None
    except csv.Error:
        raise Unprocessable(f"The CSV file cannot be read at line {reader.line_num}.") from None


def _filled[L](lines: Iterable[L], content: Callable[[L], object]) -> Iterator[L]:
    """The lines that have content. Blank ones count too: a few kilobytes can be decompressed to a billion of them."""
    for number, line in enumerate(lines):
        if content(line):
            yield line
        else:
            _check_count(number)


class _Lines:
    """The lines of a CSV file for its reader; no row, whatever lines its quotes join, is read further than allowed."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._length = 0

    def __iter__(self) -> Iterator[str]:
        while line := self._text.readline(MOST_LINE_BYTES + 1):
            self._length += len(line)
            if self._length > MOST_LINE_BYTES:
                raise _line_too_large()
            yield line

    def counted(self, rows: Iterable[list[str]]) -> Iterator[list[str]]:
        """The rows that the reader makes of the lines."""
        for row in rows:
            self._length = 0
            yield row


def _batched[T](rows: Iterable[T], size: int, length: Callable[[T], int]) -> Iterator[tuple[T, ...]]:
    """Rows, `size` at a time, or fewer where they are so long that memory would not hold as many."""
    batch: list[T] = []
    left = MOST_BATCH_BYTES
    for row in rows:
        batch.append(row)
        left -= length(row)
        if len(batch) == size or left < 0:
            yield tuple(batch)
            batch, left = [], MOST_BATCH_BYTES
    if batch:
        yield tuple(batch)


def _line_too_large() -> TooLarge:
    return TooLarge(f"A line may hold at most {MOST_LINE_BYTES} bytes.")


def _of_lines(header: Sequence[str], lines: Mapping[int, Sequence[str]]) -> Raw:
    width = len(header)
    faults = [
        Fault(number, None, f"has {len(line)} cells where the first line names {width}")
        for number, line in lines.items()
        if len(line) != width
    ]
    whole = {number: line for number, line in lines.items() if len(line) == width} if faults else lines
    columns = map(list, zip(*whole.values(), strict=True)) if whole else ([] for _ in header)
    return Raw(_counted(whole), dict(zip(header, columns, strict=True)), faults)


def _json(stream: BinaryIO, fields: Collection[str], size: int) -> Iterator[Raw]:
    body = stream.read(MOST_JSON_BYTES + 1)
    if len(body) > MOST_JSON_BYTES:
        raise TooLarge(f"A table in JSON may hold at most {MOST_JSON_BYTES} bytes; send {NDJSON} or {PARQUET}.")
    if body.count(b"{") + body.count(b"[") > MOST_JSON_ROWS + 1:  # before two bytes each become an object in memory
        raise TooLarge(f"A table in JSON may hold at most {MOST_JSON_ROWS} rows; send {NDJSON} or {PARQUET}.")
    content = parse_json(body)
    rows = content if isinstance(content, list) else [content]
    for batch in itertools.batched(enumerate(rows), size):
        yield _of_objects(dict(batch), fields)


def _ndjson(stream: BinaryIO, fields: Collection[str], size: int) -> Iterator[Raw]:
    lines = iter(lambda: stream.readline(MOST_LINE_BYTES + 1), b"")
    numbered = enumerate(_filled(lines, bytes.strip))
    for batch in _batched(numbered, size, lambda row: len(row[1])):
        rows, faults = {}, []
        for number, line in batch:
            if len(line) > MOST_LINE_BYTES:
                raise _line_too_large()
            try:
                rows[number] = parse_json(line)
            except Problem:
                faults.append(Fault(number, None, "is no JSON object with unique keys and finite numbers"))
        found = _of_objects(rows, fields)
        yield Raw(found.numbers, found.columns, [*faults, *found.faults])


def _of_objects(rows: Mapping[int, Any], fields: Collection[str]) -> Raw:
    known = set(fields)
    objects = {number: row for number, row in rows.items() if type(row) is dict}
    faults = [Fault(number, None, "must be an object") for number in rows.keys() - objects.keys()]
    faults += [
        Fault(number, name[:100], "Extra inputs are not permitted")
        for number, row in objects.items()
        if not row.keys() <= known
        for name in row
        if name not in known
    ]
    columns = {name: [row.get(name, MISSING) for row in objects.values()] for name in fields}
    return Raw(_counted(objects), columns, faults)


def _parquet(stream: BinaryIO, fields: Collection[str], size: int) -> Iterator[Raw]:
    with _readable(PARQUET):
        file = pq.ParquetFile(stream)
        groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
        if sum(group.total_byte_size for group in groups) > MOST_DECODED_BYTES:
            raise TooLarge(f"A Parquet file may hold at most {MOST_DECODED_BYTES} bytes when it is decompressed.")
        _check_types(file.schema_arrow, fields)
        text = [field.name for field in file.schema_arrow if _is_text(field.type)]
        _check_encodings(groups, text)
    with _readable(PARQUET):
        stream.seek(0)
        file = pq.ParquetFile(stream, read_dictionary=text)  # a long text that is repeated is held once
        yield from _of_batches(file.iter_batches(size), size)


def _check_encodings(groups: Sequence[Any], text: Collection[str]) -> None:
    """Texts of a delta encoding share their beginnings: a few bytes of them may unfold to any size."""
    for group in groups:
        for place in range(group.num_columns):
            column = group.column(place)
            if column.path_in_schema in text and not SAFE_ENCODINGS.issuperset(column.encodings):
                raise Unprocessable(f"Column {column.path_in_schema} must be encoded plainly or with a dictionary.")


def _arrow(stream: BinaryIO, fields: Collection[str], size: int) -> Iterator[Raw]:
    with _readable(ARROW):
        reader = pa.ipc.open_stream(io.BufferedReader(Messages(stream, MOST_DECODED_BYTES)))
        _check_types(reader.schema, fields)
        yield from _of_batches(reader, size)


def _of_batches(batches: Iterable[pa.RecordBatch], size: int) -> Iterator[Raw]:
    first = 0
    for batch in batches:
        _check_count(first + batch.num_rows)  # before a row is looked at: rows of nothing take no space in a body
        batch.validate(full=True)
        for start in range(0, batch.num_rows, size):
            part = batch.slice(start, size)
            columns = dict(zip(part.schema.names, part.columns, strict=True))
            yield Raw(range(first + start, first + start + part.num_rows), columns, [])
        first += batch.num_rows


class _readable:  # noqa: N801  reads as a word of the language: `with _readable(ARROW):`
    """Whatever the library finds wrong with the bytes is wrong with the body."""

    def __init__(self, media: str) -> None:
        self._media = media

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        known = (pa.ArrowException, OSError, MemoryError, UnicodeDecodeError)  # the last: of a column's name
        if isinstance(error, known):
            raise Unprocessable(f"The body cannot be read as {self._media}.") from None


def _check_types(schema: pa.Schema, fields: Collection[str]) -> None:
    _check_names(schema.names, fields, "The table")
    for field in schema:
        if not (_is_text(field.type) or any(fits(field.type) for fits in PLAIN)):
            raise Unprocessable(f"Column {field.name} has a type that no field takes.")


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return _is_text(kind.value_type)
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _check_names(names: Sequence[str], fields: Collection[str], where: str) -> None:
    if not names or len(set(names)) != len(names) or not set(names) <= set(fields):
        wanted = ", ".join(fields)
        raise Unprocessable(f"{where} must name columns among: {wanted}. In CSV, columns are separated by commas.")


def _counted(rows: Mapping[int, Any]) -> list[int]:
    numbers = list(rows)
    _check_count(numbers[-1] + 1 if numbers else 0)
    return numbers


def _check_count(count: int) -> None:
    if count > MOST_ROWS:
        raise TooLarge(f"A body may hold at most {MOST_ROWS} rows; send several.")


SAFE_ENCODINGS = {"PLAIN", "PLAIN_DICTIONARY", "RLE_DICTIONARY", "RLE", "BIT_PACKED"}
PLAIN = (
    pa.types.is_boolean,
    pa.types.is_date,
    pa.types.is_decimal,
    pa.types.is_floating,
    pa.types.is_integer,
    pa.types.is_null,
    pa.types.is_timestamp,
)
FORMATS = {JSON: _json, CSV: _csv, NDJSON: _ndjson, PARQUET: _parquet, ARROW: _arrow}
