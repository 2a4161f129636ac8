"""Rows in, in five formats: the schema's rules for all of them, and a fault for each cell that does not hold."""

import csv
import datetime
import io
import json
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.parse import ARROW, CSV, JSON, NDJSON, PARQUET, Fault
from tests.unit.shared.tables import DAY, UTC, Pair, Row, arrow, parquet, pointers, read, records


def test_csv_cells_become_typed_values():
    [row] = records(CSV, "item,period,quantity,lots,in_stock,price,q0.5\n007,2026-01-05,1.5e1,3,false,12.50,0.25\n")
    assert (row.item, row.period) == ("007", DAY)
    assert (row.quantity, row.lots, row.in_stock, str(row.price), row.share) == (15.0, 3, False, "12.50", 0.25)


def test_an_empty_cell_is_an_absent_value():
    [row] = records(CSV, "item,period,quantity,lots\nA,2026-01-05,1,\n")
    assert (row.lots, row.in_stock, row.share) == (None, True, None)


def test_mark_and_line_ends_of_spreadsheets_are_read():
    body = "\ufeffitem,period,quantity\r\nA,2026-01-05,1\nB,2026-01-05,2\r\n"
    assert [row.item for row in records(CSV, body)] == ["A", "B"]


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
