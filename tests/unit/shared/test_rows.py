"""Rows in, in five formats: the schema's rules for all of them, and a fault for each cell that does not hold."""

import csv
import datetime
import io
import json
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationError, model_validator

from shared import parse
from shared.errors import Problem
from shared.parse import ARROW, CSV, JSON, NDJSON, PARQUET, Fault
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


def test_csv_cells_become_typed_values():
    [row] = records(CSV, "item,period,quantity,lots,in_stock,price,q0.5\n007,2026-01-05,1.5e1,3,false,12.50,0.25\n")
    assert (row.item, row.period) == ("007", DAY)
    assert (row.quantity, row.lots, row.in_stock, str(row.price), row.share) == (15.0, 3, False, "12.50", 0.25)


def test_an_empty_cell_is_an_absent_value():
    [row] = records(CSV, "item,period,quantity,lots\nA,2026-01-05,1,\n")
    assert (row.lots, row.in_stock, row.share) == (None, True, None)


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


def test_mark_and_line_ends_of_spreadsheets_are_read():
    body = "\ufeffitem,period,quantity\r\nA,2026-01-05,1\nB,2026-01-05,2\r\n"
    assert [row.item for row in records(CSV, body)] == ["A", "B"]


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


@pytest.mark.parametrize("cell", ["NaN", "inf", "1e999", "1,5", "0x10", "1_000", "", "-1", "\uff14", "1e16"])
def test_a_cell_that_is_no_quantity_is_pointed_at(cell):
    rows, faults = read(CSV, f'item,period,quantity\nA,2026-01-05,1\nB,2026-01-05,"{cell}"\nC,2026-01-05,2\n')
    assert pointers(faults) == ["#/1/quantity"]
    assert rows.values("item") == ["A", "C"]


@pytest.mark.parametrize("cell", ["46027", "2026-1-5", "05.01.2026", "2026-02-30", "2026-01-05T00:00"])
def test_what_is_no_date_is_refused(cell):
    assert pointers(read(CSV, f"item,period,quantity\nA,{cell},1\n")[1]) == ["#/0/period"]


@pytest.mark.parametrize("line", ["B,2026-01-05", "B,2026-01-05,1,2"])
def test_a_ragged_line_is_one_fault_and_the_others_are_read(line):
    rows, faults = read(CSV, f"item,period,quantity\nA,2026-01-05,1\n{line}\nC,2026-01-05,1\nD,2026-01-05,1\n")
    assert pointers(faults) == ["#/1"]
    assert (rows.values("item"), rows.numbers.tolist()) == (["A", "C", "D"], [0, 2, 3])


def test_one_row_may_come_without_a_list():
    assert len(records(JSON, '{"item": "A", "period": "2026-01-05", "quantity": 1}')) == 1


@pytest.mark.parametrize("value", ['"1"', "true", "null", "[1]", '{"a": 1}', "1e400", "-0.1", str(10**400)])
@pytest.mark.parametrize("media", [JSON, NDJSON])
def test_what_is_no_quantity_in_json(media, value):
    line = f'{{"item": "A", "period": "2026-01-05", "quantity": {value}}}'
    assert pointers(read(media, line)[1]) == ["#/0/quantity"]


def test_a_line_that_is_no_object_is_one_fault():
    good = '{"item": "A", "period": "2026-01-05", "quantity": 1}'
    bodies = ["", "[]", "7", '"x"', "{", '{"item": 1, "item": 2}', '{"quantity": NaN}', "\x00"]
    rows, faults = read(NDJSON, "\n".join([good, *bodies[1:], good]))
    assert sorted(pointers(faults)) == [f"#/{number}" for number in range(1, 8)]
    assert rows.numbers.tolist() == [0, 8]


def test_unknown_and_missing_fields_are_named():
    rows, faults = read(JSON, '[{"item": "A", "a/b~": 1, "quantity": 2}]')
    assert sorted(pointers(faults)) == ["#/0/a~1b~0", "#/0/period"]
    assert len(rows) == 0


def test_what_data_frames_hold_is_read():
    table = pa.table(
        {
            "item": pa.array(["A", "B", "A"]).dictionary_encode(),
            "period": pa.array([datetime.datetime(2026, 1, 5, tzinfo=UTC)] * 3, pa.timestamp("ns")),
            "quantity": pa.array([1, 2, 3], pa.int64()),
            "lots": pa.array([1.0, None, 3.0]),
            "in_stock": pa.array([True, None, False]),
            "price": pa.array([Decimal("1.50"), None, Decimal("2.25")], pa.decimal128(10, 2)),
            "q0.5": pa.array([None, 0.5, 1.0], pa.float32()),
        }
    )
    for media, body in ((PARQUET, parquet(table)), (ARROW, arrow(table))):
        first, second, third = records(media, body)
        assert (first.item, first.period, first.quantity, first.lots, first.price) == (
            "A",
            DAY,
            1.0,
            1,
            Decimal("1.50"),
        )
        assert (second.lots, second.in_stock, second.price, second.share) == (None, True, None, 0.5)
        assert (third.in_stock, third.share, first.share) == (False, 1.0, None)


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("item", pa.array([1, 2])),
        ("item", pa.array(["A", None])),
        ("item", pa.array(["A", " B"])),
        ("item", pa.array(["A", "B\0"])),
        (
            "period",
            pa.array([datetime.datetime(2026, 1, 5, tzinfo=UTC), datetime.datetime(2026, 1, 5, 12, tzinfo=UTC)]),
        ),
        ("period", pa.array([20458, 20458])),
        ("period", pa.array([DAY, datetime.date(9999, 12, 31)])),
        ("period", pa.array([DAY, datetime.date(1, 1, 1)])),
        ("period", pa.array([20458, 2**31 - 1], pa.int32()).cast(pa.date32())),
        ("period", pa.array([20458, -(2**31)], pa.int32()).cast(pa.date32())),
        ("period", pa.array([0, 86_400_000 * 10**8], pa.timestamp("ms"))),
        ("period", pa.array([0, 1], pa.timestamp("ms", "Nowhere/At-All"))),
        ("quantity", pa.array([DAY, DAY])),
        ("quantity", pa.array([1, 1], pa.timestamp("ms", "Nowhere/At-All"))),
        ("quantity", pa.array([1.0, float("nan")])),
        ("quantity", pa.array([1.0, float("inf")])),
        ("quantity", pa.array([1.0, -1.0])),
        ("quantity", pa.array([1.0, None])),
        ("quantity", pa.array(["1", "2"])),
        ("quantity", pa.array([True, False])),
        ("lots", pa.array([1.0, 1.5])),
        ("in_stock", pa.array(["true", "false"])),
        ("price", pa.array([1.5, 2.5])),
        ("price", pa.array([Decimal(1), Decimal(10) ** 15])),
        ("price", pa.array([Decimal("1.5"), Decimal("1.0000001")])),
        ("price", pa.array([None, Decimal("9" * 76)], pa.decimal256(76, 0))),
    ],
)
@pytest.mark.parametrize("write", [parquet, arrow])
def test_a_column_of_another_kind_has_faults(name, column, write):
    columns = {"item": pa.array(["A", "B"]), "period": pa.array([DAY, DAY]), "quantity": pa.array([1.0, 2.0])}
    rows, faults = read(PARQUET if write is parquet else ARROW, write(pa.table(columns | {name: column})))
    assert {fault.field for fault in faults} == {name}
    assert len(rows) == 2 - len(faults)
    assert faults[-1].row == 1


def test_money_with_more_places_than_it_needs_is_money():
    table = pa.table(
        {
            "item": pa.array(["A", "B"]),
            "period": pa.array([DAY, DAY]),
            "quantity": pa.array([1.0, 2.0]),
            "price": pa.array([Decimal("1.5"), Decimal(999_999_999_999_999)], pa.decimal128(38, 18)),
        }
    )
    for media, body in ((PARQUET, parquet(table)), (ARROW, arrow(table))):
        assert [str(row.price) for row in records(media, body)] == ["1.5", "999999999999999"]


@pytest.mark.parametrize("day", [-800_000, -719_162, -25_568, 84_371, 2_932_896, 2**30])
@pytest.mark.parametrize("write", [arrow, parquet])
def test_a_day_that_no_text_could_name_is_no_date_as_a_number_either(day, write):
    """Days since 1970: before the year 1, in it, the last of 1899, the first of 2201, the last of 9999, far beyond."""
    days = pa.array([day, 0], pa.date32())
    table = pa.table({"item": ["A", "B"], "period": days, "quantity": [1.0, 2.0]})
    rows, faults = read(PARQUET if write is parquet else ARROW, write(table))
    assert pointers(faults) == ["#/0/period"]
    assert [row.period for row in rows.records()] == [datetime.date(1970, 1, 1)]


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


def test_cells_that_hold_alone_but_not_together():
    rows, faults = read(JSON, '[{"low": 1, "high": 2}, {"low": 2, "high": 1}, {"low": 1}]', Pair)
    assert rows.records() == [Pair(low=1, high=2)]
    assert sorted(pointers(faults)) == ["#/1", "#/2/high"]
    assert {fault.detail for fault in faults} == {"low is above high", "Field required"}


def test_rows_with_one_key_are_named():
    body = "item,period,quantity\nA,2026-01-05,1\nB,2026-01-05,1\nA,2026-01-05,2\nA,2026-01-06,2\n"
    rows, _ = read(CSV, body)
    assert rows.duplicates("item", "period") == [
        Fault(0, None, "another row has the same key"),
        Fault(2, None, "another row has the same key"),
    ]
    assert rows.duplicates("item", "period", "in_stock") == rows.duplicates("item", "period")


def test_twins_in_unicode_have_one_key():
    rows, _ = read(
        JSON, json.dumps([{"item": text, "period": "2026-01-05", "quantity": 1} for text in ("é", "e\u0301")])
    )
    assert len(rows.duplicates("item")) == 2


TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"]), min_size=1, max_size=20)


@given(st.lists(st.tuples(TEXTS, st.floats(0, 1e15).map(lambda value: value + 0.0)), max_size=5))
def test_the_same_rows_read_the_same_in_every_format(rows):
    sink = io.StringIO(newline="")
    writer = csv.writer(sink)
    writer.writerow(["item", "period", "quantity"])
    writer.writerows([[item, "2026-01-05", repr(quantity)] for item, quantity in rows])
    listed = [{"item": item, "period": "2026-01-05", "quantity": quantity} for item, quantity in rows]
    items, quantities = [row[0] for row in rows], [row[1] for row in rows]
    table = pa.table(
        {"item": pa.array(items, pa.string()), "period": pa.array([DAY] * len(rows), pa.date32())}
        | {"quantity": pa.array(quantities, pa.float64())}
    )
    wanted = [Row.model_validate(row) for row in listed]
    assert records(CSV, sink.getvalue()) == wanted
    assert records(JSON, json.dumps(listed)) == wanted
    assert records(NDJSON, "\n".join(map(json.dumps, listed))) == wanted
    assert records(ARROW, arrow(table)) == wanted
    assert records(PARQUET, parquet(table)) == wanted


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda children: st.lists(children, max_size=2),
    max_leaves=3,
)
CELL = JSONS | st.sampled_from(["2026-01-05", 3, 2.5, "A", True, "1.50", -1])
FIELDS = st.dictionaries(
    st.sampled_from(["item", "period", "quantity", "lots", "in_stock", "price", "q0.5", "?"]), CELL
)
USUAL = {"item": "A", "period": "2026-01-05", "quantity": 1}


@given(st.lists(FIELDS.map(lambda fields: USUAL | fields) | JSONS, max_size=6))
def test_a_row_is_a_row_where_the_schema_says_so(content):
    rows, faults = read(NDJSON, "\n".join(map(json.dumps, content)))
    wanted, wrong = [], set()
    for number, row in enumerate(content):
        try:
            wanted.append(Row.model_validate(row))
        except ValidationError as error:
            wrong |= {(number, str(found["loc"][0]) if found["loc"] else None) for found in error.errors()}
    assert rows.records() == wanted
    assert {(fault.row, fault.field) for fault in faults} == wrong
