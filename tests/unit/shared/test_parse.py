"""What a body as a whole must be, and how much of it is ever held."""

import io
import json

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import parse
from shared.errors import Problem
from shared.parse import ARROW, CSV, JSON, NDJSON, PARQUET
from tests.unit.shared.tables import BIG, DAY, arrow, parquet, read, records


@pytest.mark.parametrize(
    ("media", "body"),
    [
        (CSV, "item,period,quantity\n"),
        (CSV, "\ufeffitem,period,quantity\r\n"),
        (JSON, "[]"),
        (NDJSON, ""),
        (NDJSON, "\n \n"),
        (PARQUET, parquet(pa.table({"item": pa.array([], pa.string())}))),
        (ARROW, arrow(pa.table({"quantity": pa.array([], pa.float64())}))),
    ],
)
def test_a_body_without_rows_is_no_row(media, body):
    assert records(media, body) == []


@pytest.mark.parametrize(
    ("media", "body"),
    [
        (CSV, ""),
        (CSV, "item;period;quantity\nA;2026-01-05;1\n"),
        (CSV, "item,period,quantity,quantity\nA,2026-01-05,1,2\n"),
        (CSV, "item,period,qty\nA,2026-01-05,1\n"),
        (CSV, 'item,period,quantity\n"A,2026-01-05,1\n'),
        (CSV, b"item,period,quantity\n\xff,2026-01-05,1\n"),
        (CSV, "item,period,quantity\n" + "x" * 200_000 + ",2026-01-05,1\n"),
        (JSON, '[{"item": "A"'),
        (JSON, '[{"item": "A", "item": "B"}]'),
        (PARQUET, b"PAR1 and then something else PAR1"),
        (PARQUET, b""),
        (PARQUET, parquet(pa.table({"item": ["A"]}))[:-9] + b"\0" * 9),
        (PARQUET, parquet(pa.table({"item": [["A"]]}))),
        (PARQUET, parquet(pa.table({"colour": ["red"]}))),
        (PARQUET, parquet(pa.table({"item": ["A"]})).replace(b"item", b"\xff\xfeem")),
        (ARROW, b""),
        (ARROW, arrow(pa.table({"item": ["A"] * 50, "period": ["2026-01-05"] * 50}))[:-300]),
        (ARROW, arrow(pa.table({"quantity": pa.array([b"1"], pa.binary())}))),
        (ARROW, arrow(pa.table({"period": pa.array([1], pa.time32("s"))}))),
        (ARROW, arrow(pa.table({"item": pa.array([{"a": 1}])}))),
        (ARROW, arrow(pa.table({"item": ["A"]})).replace(b"item", b"\xff\xfeem")),
    ],
    ids=str,
)
def test_a_body_that_is_no_such_table_is_refused(media, body):
    with pytest.raises(Problem) as raised:
        read(media, body)
    assert raised.value.status in {400, 422}


def test_a_batch_is_cut_where_it_is_too_long():
    table = pa.table({"item": [f"i{n}" for n in range(10)], "period": [DAY] * 10, "quantity": [1.0] * 10})
    rows, _ = read(ARROW, arrow(table))
    assert rows.numbers.tolist() == list(range(10))
    assert rows.values("item") == [f"i{n}" for n in range(10)]


def test_too_many_rows_are_refused(monkeypatch):
    monkeypatch.setattr(parse, "MOST_ROWS", 1)
    table = pa.table({"item": ["A", "B"], "period": [DAY] * 2, "quantity": [1.0] * 2})
    listed = [{"item": "A"}, {"item": "B"}]
    bodies = {
        CSV: "item,period,quantity\nA,2026-01-05,1\nB,2026-01-05,1\n",
        JSON: json.dumps(listed),
        NDJSON: "\n".join(map(json.dumps, listed)),
        ARROW: arrow(table),
        PARQUET: parquet(table),
    }
    for media, body in bodies.items():
        with pytest.raises(Problem) as raised:
            read(media, body)
        assert raised.value.status == 413


@pytest.mark.parametrize(("media", "start"), [(CSV, "item,period,quantity\n"), (NDJSON, "")])
def test_too_many_blank_lines_are_refused(monkeypatch, media, start):
    monkeypatch.setattr(parse, "MOST_ROWS", 5)
    assert len(read(media, start + "\n" * 5)[0]) == 0
    with pytest.raises(Problem) as raised:
        read(media, start + "\n" * 7)
    assert raised.value.status == 413


def test_a_text_that_is_repeated_a_thousand_times_is_held_once():
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 2_000, pa.int32()), ["x" * BIG])
    body = parquet(pa.table({"item": column}), compression="zstd", store_schema=False)
    assert len(body) < BIG
    before = pa.total_allocated_bytes()
    for _ in parse.batches(io.BytesIO(body), PARQUET, ["item"], 1_000):
        assert pa.total_allocated_bytes() - before < 50 * BIG


@pytest.mark.parametrize("encoding", ["DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"])
def test_texts_that_could_unfold_to_any_size_are_refused_by_name(encoding):
    table = pa.table({"item": ["x" * BIG] * 20})
    body = parquet(table, use_dictionary=False, column_encoding={"item": encoding})
    with pytest.raises(Problem) as raised:
        read(PARQUET, body)
    assert raised.value.status == 422
    assert raised.value.detail == "Column item must be encoded plainly or with a dictionary."


def test_numbers_and_dates_may_have_any_encoding():
    table = pa.table({"item": ["A"] * 2, "period": [DAY] * 2, "quantity": [1.5, 2.5]})
    delta = {"period": "DELTA_BINARY_PACKED", "quantity": "BYTE_STREAM_SPLIT", "item": "PLAIN"}
    rows, faults = read(PARQUET, parquet(table, use_dictionary=False, column_encoding=delta, data_page_version="2.0"))
    assert (rows.values("quantity"), rows.values("period"), faults) == ([1.5, 2.5], [DAY] * 2, [])


@pytest.mark.parametrize("row", ["{}", "[]"])
def test_a_million_empty_rows_of_json_are_refused_before_they_take_memory(monkeypatch, row):
    monkeypatch.setattr(parse, "MOST_JSON_ROWS", 5)
    assert len(read(JSON, f"[{','.join([row] * 5)}]")[1]) >= 5
    with pytest.raises(Problem) as raised:
        read(JSON, f"[{','.join([row] * 6)}")
    assert raised.value.status == 413


@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
def test_an_arrow_stream_may_be_compressed_inside(compression):
    items = pa.array([f"i{n % 7}" for n in range(3_000)]).dictionary_encode()
    table = pa.table({"item": items, "period": [DAY] * 3_000, "quantity": [1.5] * 3_000, "lots": pa.nulls(3_000)})
    rows, faults = read(ARROW, arrow(table, compression), size=1_000)
    assert faults == []
    assert rows.values("item") == [f"i{n % 7}" for n in range(3_000)]
    assert set(rows.values("quantity")) == {1.5}


@pytest.mark.parametrize("compression", ["lz4", "zstd"])
@pytest.mark.parametrize("column", ["quantity", "item"])
def test_a_bomb_inside_an_arrow_stream_does_not_unfold(monkeypatch, compression, column):
    monkeypatch.setattr(parse, "MOST_DECODED_BYTES", 10 * BIG)
    numbers = pa.Array.from_buffers(pa.float64(), 10 * BIG, [None, pa.py_buffer(bytes(80 * BIG))])
    words = pa.array(["x" * 20 * BIG])
    body = arrow(pa.table({column: numbers if column == "quantity" else words.dictionary_encode()}), compression)
    assert len(body) < BIG
    before = pa.total_allocated_bytes()
    with pytest.raises(Problem) as raised:
        next(parse.batches(io.BytesIO(body), ARROW, [column], 1_000))
    assert raised.value.status == 413
    assert pa.total_allocated_bytes() - before < 5 * BIG


def test_rows_of_nothing_are_counted_before_they_are_read():
    body = arrow(pa.record_batch({"item": pa.nulls(10**9)}))
    assert len(body) < 1_000
    with pytest.raises(Problem) as raised:
        next(parse.batches(io.BytesIO(body), ARROW, ["item"], 1_000))
    assert raised.value.status == 413


def status(body):
    try:
        for raw in parse.batches(io.BytesIO(body), ARROW, ["item", "quantity"], 1_000):
            assert len(raw.numbers) <= 1_000
    except Problem as problem:
        return problem.status
    return 200


@given(st.integers(0, 2_000), st.integers(0, 255))
def test_an_arrow_stream_with_a_changed_byte_is_rows_or_a_problem(place, byte):
    table = pa.table({"item": pa.array(["A", "B"]).dictionary_encode(), "quantity": [1.0, 2.0]})
    body = bytearray(arrow(table, "zstd"))
    body[place % len(body)] = byte
    assert status(bytes(body)) in {200, 413, 422}


@pytest.mark.parametrize(
    ("media", "body"),
    [
        (CSV, "a" * BIG * 2),
        (CSV, "item,period,quantity\n" + ('"' + "a\n" * 1_000 + '",') * 1_000),
        (NDJSON, '{"item":"' + "a" * BIG * 2 + '"}'),
    ],
)
def test_no_line_or_row_of_text_is_read_without_end(media, body):
    with pytest.raises(Problem) as raised:
        read(media, body)
    assert raised.value.status == 413


@pytest.mark.parametrize("media", [CSV, NDJSON])
def test_a_batch_of_long_rows_is_cut_before_it_fills_the_memory(monkeypatch, media):
    monkeypatch.setattr(parse, "MOST_BATCH_BYTES", 1_000)
    text = "x" * 600
    lines = {CSV: f"{text},2026-01-05,1", NDJSON: f'{{"item":"{text}","period":"2026-01-05","quantity":1}}'}
    body = ("item,period,quantity\n" if media == CSV else "") + f"{lines[media]}\n" * 7
    names = ["item", "period", "quantity"]
    found = [list(raw.numbers) for raw in parse.batches(io.BytesIO(body.encode()), media, names, 1_000)]
    assert found == [[0, 1], [2, 3], [4, 5], [6]]


def test_a_columns_name_that_is_no_text_is_a_problem():
    body = arrow(pa.table({"item": ["A"]}))
    with pytest.raises(Problem) as raised:
        read(ARROW, body.replace(b"item", b"\xffte\xff"))
    assert raised.value.status == 422
