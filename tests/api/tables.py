"""Tables in each medium with one thing wrong, made of a row that holds and its schema."""

import csv
import datetime
import io
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from shared.media import ARROW, CSV, NDJSON, PARQUET
from tests.api.corpus import MARK, NOT_DATES, NOT_MONEY, TEXTS

DAY = datetime.date(2024, 1, 1)
NOT_NUMBERS = ["NaN", "inf", "-Infinity", "1e999", "1,5", "0x10", "1_000", "\uff14", "1e16", MARK, "=1+1"]
NO_FIELD = [pa.array([[1]]), pa.array([{"a": 1}]), pa.array([MARK.encode()]), pa.array([1], pa.duration("s"))]
NO_FIELD += [pa.array([1], pa.time32("s")), pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64()))]
NO_DATES = [pa.array([day], pa.int32()).cast(pa.date32()) for day in (2**31 - 1, -(2**31), -719_162, 2_932_896)]
NO_DATES += [pa.array([1], pa.timestamp("ns")), pa.array([0, 1], pa.timestamp("s", "Nowhere/At-All"))[1:]]
NO_DATES += [pa.array([20240101]), pa.array([1.5]), pa.array([True]), pa.array(["9999-12-31"]), pa.array([""])]
NO_NUMBERS = [pa.array([value]) for value in (float("nan"), float("inf"), 1e308, -1e308, 2**62, True, "5", DAY)]
NO_NUMBERS += [pa.array([2**64 - 1], pa.uint64()), pa.array([Decimal("9" * 76)], pa.decimal256(76, 0))]
NO_TEXTS = [pa.array([value]) for value in (7, 1.5, True, DAY, "", f"{MARK}\0", f" {MARK}", MARK * 2000)]
NO_MONEY = [pa.array([value]) for value in (1.5, True, DAY, Decimal("9" * 38), Decimal("1.0000001"), MARK, "1e5")]


def _kind(schema: dict[str, Any]) -> str:
    one = schema.get("anyOf", [schema])[0]
    if "[0-9]{1,15}" in one.get("pattern", ""):
        return "money"
    return str(one.get("format") or one["type"])


def wrong_columns(schema: dict[str, Any]) -> list[pa.Array]:
    """Columns of one cell that a field does not take."""
    columns = {"date": NO_DATES, "number": NO_NUMBERS, "integer": NO_NUMBERS, "string": NO_TEXTS, "money": NO_MONEY}
    found = [*NO_FIELD, *columns.get(_kind(schema), [])]
    if ("maxLength" in schema and "minLength" not in schema) or schema.get("anyOf", [{}])[0].get("maxLength") == 500:
        found = [column for column in found if column.to_pylist() not in ([""], [f" {MARK}"])]  # a label may be so
    return found


def wrong_cells(schema: dict[str, Any]) -> list[str]:
    """Cells of CSV that a field does not take; an empty one is no value at all."""
    texts = [text for text in TEXTS if "\ud800" not in text]
    cells = {"date": NOT_DATES, "number": NOT_NUMBERS, "integer": [*NOT_NUMBERS, "1.5"], "string": texts}
    cells |= {"money": NOT_MONEY, "boolean": ["yes", "2", MARK], "uuid": [MARK, "1"]}
    return [cell for cell in cells[_kind(schema)] if cell]


def csv_of(rows: list[dict[str, Any]], names: list[str]) -> bytes:
    sink = io.StringIO(newline="")
    writer = csv.DictWriter(sink, names)
    writer.writeheader()
    writer.writerows(rows)
    return sink.getvalue().encode()


def column_of(value: Any, schema: dict[str, Any]) -> pa.Array:
    return pa.array([datetime.date.fromisoformat(value) if _kind(schema) == "date" else value])


def parquet(table: pa.Table, **how: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **how)
    return sink.getvalue()


def arrow(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def wrong_tables(good: dict[str, Any], schema: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """(medium, body): each a table of one row of which one column does not hold, or none at all."""
    fields = schema["properties"]
    whole = {name: column_of(value, fields[name]) for name, value in good.items()}
    first = next(iter(whole))
    tables = [whole | {name: column} for name in fields for column in wrong_columns(fields[name])]
    tables += [whole | {name: pa.nulls(1)} for name in schema.get("required", [])]
    tables += [whole | {"unknown": pa.array([MARK])}, {}]
    for columns in tables:
        table = pa.table(columns)
        yield ARROW, arrow(table)
        if not any(pa.types.is_time(column.type) or pa.types.is_duration(column.type) for column in table.columns):
            yield PARQUET, parquet(table)
    yield from _broken(pa.table(whole), first)


def _broken(table: pa.Table, first: str) -> Iterator[tuple[str, bytes]]:
    """Files that end too early, lie in their footer, or are another medium's."""
    file, stream = parquet(table), arrow(table)
    not_utf8 = b"\xff" + first.encode()[1:]
    twice = pa.Table.from_arrays([table[first]] * 2, names=[first] * 2)
    for cut in (0, 3, 4, 8, len(file) // 2, len(file) - 1):
        yield PARQUET, file[:cut]
    yield PARQUET, file[:-8] + b"\xff\xff\xff\x7fPAR1"
    footer = len(file) - 8 - int.from_bytes(file[-8:-4], "little")
    yield PARQUET, file[:footer] + b"\xff" * 32 + file[footer + 32 :]
    yield PARQUET, file.replace(first.encode(), not_utf8)
    yield PARQUET, stream
    yield PARQUET, parquet(twice)
    for cut in (0, 3, 8, len(stream) // 4):
        yield ARROW, stream[:cut]
    yield ARROW, b"\xff" * 4 + b"\xff\xff\xff\x7f" + stream[8:]
    yield ARROW, stream.replace(first.encode(), not_utf8)
    yield ARROW, file
    yield ARROW, arrow(twice)


def wrong_lines(good: dict[str, Any], required: list[str]) -> Iterator[tuple[str, bytes]]:
    """(medium, body) of text: CSV that is none, and lines that are no objects."""
    names = list(good)
    text = csv_of([good], names).decode()
    head, line = text.splitlines()
    bodies = [
        "",
        "\r\n",
        line,
        head.replace(",", ";"),
        f"{head},{names[0]}\n{line},x",
        f"{head},unknown\n{line},{MARK}",
    ]
    bodies += [f"{head}\n{line},{MARK}", f'{head}\n"{line}', f"{head}\n{line.rpartition(',')[0]}"]
    bodies += [f"{head.upper()}\n{line}", f" {head}\n{line}", f"\ufeff\ufeff{head}\n{line}", f"{head}\n{'x' * 140_000}"]
    bodies += [f"{head}\n{line}\n{line}"] if "reference" not in names else []
    for body in bodies:
        yield CSV, body.encode()
    for name in required:
        yield CSV, csv_of([{key: value for key, value in good.items() if key != name}], [n for n in names if n != name])
    yield CSV, text.encode("utf-16")
    yield CSV, text.encode() + b"\xff"
    row = json.dumps(good)
    for line in ("7", "null", "[]", f"[{row}]", row[:-1], f"{row} {row}", "NaN", "[" * 5000, '"\\ud800"', "{} ,"):
        yield NDJSON, f"{row}\n{line}\n".encode()
    yield NDJSON, row.encode() + b"\n\xff\n"
