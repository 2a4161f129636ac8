"""One table, four formats, and what the caller gets when the table cannot be had."""

import asyncio
import csv
import datetime
import io
import json
import math
import subprocess
import sys
from itertools import pairwise

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi import Request
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import ClientDisconnect

from shared import app as application
from shared import columns, export
from shared.errors import Unavailable
from shared.media import ARROW, CSV, NDJSON, PARQUET, TABLES, wanted

SCHEMA = pa.schema(
    [
        ("item", pa.string()),
        ("period", pa.date32()),
        ("quantity", pa.float64()),
        ("in_stock", pa.bool_()),
        ("at", columns.INSTANT),
    ]
)
NOON = datetime.datetime(2024, 2, 29, 12, 0, 0, 250000, tzinfo=datetime.UTC)
ROWS = [
    ("A", datetime.date(2024, 2, 29), 1.5, True, NOON),
    ('say "B"\n, then =C', datetime.date(1969, 12, 31), 1e20, False, NOON),
    (None, datetime.date(2024, 1, 1), 0.1, True, NOON),
    ("Ä", datetime.date(2024, 1, 1), 3.0, True, NOON),
]
TELLING = [dict(zip(SCHEMA.names, row, strict=True)) for row in ROWS]


def batch(rows):
    return columns.batch(SCHEMA, zip(*rows, strict=True))


def batches():
    yield batch(ROWS[:3])
    yield batch(ROWS[3:])


@pytest.fixture
def client():
    router = application.router()

    @router.get("/table")
    def table(request: Request):
        return export.stream(wanted(request, *TABLES[1:]), SCHEMA, batches())

    @router.get("/away")
    def away(request: Request):
        def broken():
            raise Unavailable("gone")
            yield

        return export.stream(wanted(request, *TABLES[1:]), SCHEMA, broken())

    app = application.create("test", None)
    app.include_router(router)
    return TestClient(app)


def ask(client, media):
    answer = client.get("/table", headers={"accept": media})
    assert answer.status_code == 200
    assert answer.headers["content-type"].partition(";")[0] == media
    return answer


def test_as_csv_text_is_quoted_and_an_empty_cell_is_null(client):
    text = ask(client, CSV).text
    assert text.splitlines()[:2] == [
        '"item","period","quantity","in_stock","at"',
        '"A",2024-02-29,1.5,true,"2024-02-29T12:00:00.250000Z"',
    ]
    found = list(csv.reader(io.StringIO(text, newline=""), strict=True))[1:]
    assert [row[0] for row in found] == ["A", 'say "B"\n, then =C', "", "Ä"]
    assert [float(row[2]) for row in found] == [row[2] for row in ROWS]


def test_as_ndjson_each_line_is_an_object(client):
    lines = ask(client, NDJSON).text.split("\n")
    assert lines.pop() == ""
    told = [row | {"period": row["period"].isoformat(), "at": "2024-02-29T12:00:00.250000Z"} for row in TELLING]
    assert [json.loads(line) for line in lines] == told


def test_as_parquet_each_batch_is_a_row_group(client):
    content = ask(client, PARQUET).content
    file = pq.ParquetFile(io.BytesIO(content))
    assert [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)] == [3, 1]
    assert file.read().to_pylist() == TELLING
    assert file.schema_arrow == SCHEMA


def test_as_arrow_stream(client):
    table = pa.ipc.open_stream(ask(client, ARROW).content).read_all()
    assert (table.to_pylist(), table.schema) == (TELLING, SCHEMA)


@pytest.mark.parametrize("media", TABLES[1:])
def test_a_table_without_rows_is_a_table(media):
    content = b"".join(export.encoded(media, SCHEMA, iter([])))
    if media == NDJSON:
        assert content == b""
    elif media == CSV:
        assert content == b'"item","period","quantity","in_stock","at"\n'
    else:
        read = pq.read_table if media == PARQUET else lambda file: pa.ipc.open_stream(file).read_all()
        assert (read(io.BytesIO(content)).num_rows, read(io.BytesIO(content)).schema) == (0, SCHEMA)


@given(st.lists(st.tuples(st.text() | st.none(), st.floats()), min_size=1, max_size=20))
def test_ndjson_is_json_whatever_the_cells_and_no_number_is_rounded(cells):
    texts, numbers = zip(*cells, strict=True)
    schema = pa.schema([("a", pa.string()), ("b.1", pa.float64())])
    [piece, rest] = export.encoded(NDJSON, schema, iter([columns.batch(schema, [texts, numbers])]))
    known = [number if math.isfinite(number) else None for number in numbers]
    rows = [json.loads(line) for line in piece.decode().split("\n")[:-1]]
    assert rest == b""
    assert [(row["a"], row["b.1"]) for row in rows] == list(zip(texts, known, strict=True))


@pytest.mark.parametrize("media", TABLES[1:])
def test_a_table_leaves_batch_by_batch(media):
    read = []

    def noting():
        for number in range(40):
            read.append(number)
            yield batch([("x" * 5000 + str(number), *ROWS[0][1:])])

    pieces = export.encoded(media, SCHEMA, noting())
    seen = [len(read) for _ in pieces]
    assert seen[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(seen))


@pytest.mark.parametrize("media", TABLES[1:])
def test_what_fails_before_the_first_row_is_a_problem(client, media):
    answer = client.get("/away", headers={"accept": media})
    assert (answer.status_code, answer.json()["type"]) == (503, "/docs/errors#unavailable")
    assert answer.headers["content-type"] == "application/problem+json"


def test_what_fails_later_cuts_the_connection_and_ends_no_file():
    def broken():
        yield batch(ROWS)
        raise Unavailable("gone")

    for media in TABLES[1:]:
        pieces = export.encoded(media, SCHEMA, broken())
        content = next(pieces)
        with pytest.raises(Unavailable):
            content += b"".join(pieces)
        if media == PARQUET:
            with pytest.raises(pa.ArrowInvalid):
                pq.read_table(io.BytesIO(content))


def test_a_head_request_is_no_half_answer(client):
    answer = client.head("/table", headers={"accept": CSV})
    assert (answer.status_code, answer.headers["content-type"]) == (405, "application/problem+json")


def test_a_caller_who_leaves_ends_the_reading():
    ended, sent = [], []

    def noting():
        try:
            while True:
                yield batch(ROWS)
        finally:
            ended.append(len(sent))

    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message["type"])
        if len(sent) == 3:
            raise OSError("the connection is gone")

    answer = export.stream(ARROW, SCHEMA, noting())
    with pytest.raises((OSError, ClientDisconnect)):
        asyncio.run(answer({"type": "http", "asgi": {"spec_version": "2.4"}}, receive, send))
    assert ended == [3]


SCRIPT = """
import datetime, sys
import pyarrow as pa
from shared import columns, export, media
now = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
cells = {"string": "x", "double": 1.5, "int64": 7, "date32[day]": now.date(), "bool": True}
cells[str(columns.INSTANT)] = now
schema = pa.schema([(str(kind), kind) for kind in columns.MAKERS])
rows = columns.batch(schema, [[cells[name]] for name in schema.names])
for each in media.TABLES[1:]:
    assert sum(map(len, export.encoded(each, schema, iter([rows]))))
print("pandas" in sys.modules)
"""


def test_an_export_does_not_import_pandas():
    done = subprocess.run([sys.executable, "-c", SCRIPT], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "False"
