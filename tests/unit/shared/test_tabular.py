"""Rows in as JSON or CSV: the same rules for both, and a pointer to each cell that does not hold."""

import csv
import datetime
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import tabular
from shared.errors import Problem, Unprocessable
from shared.schemas import Code, Date, Flag, Money, Quantity, Schema, Whole


class Row(Schema):
    item: Code
    period: Date
    quantity: Quantity
    lots: Whole | None = None
    in_stock: Flag = True
    price: Money | None = None


def csv_rows(text):
    return tabular.Rows(tabular.CSV, text if isinstance(text, bytes) else text.encode()).read(Row)


def json_rows(text):
    return tabular.Rows(tabular.JSON, text.encode()).read(Row)


def test_csv_cells_become_typed_values():
    [row] = csv_rows("item,period,quantity,lots,in_stock,price\n007,2026-01-05,1.5e1,3,false,12.50\n")
    assert row.item == "007"
    assert row.period == datetime.date(2026, 1, 5)
    assert (row.quantity, row.lots, row.in_stock, str(row.price)) == (15.0, 3, False, "12.50")


def test_an_empty_cell_is_an_absent_value():
    [row] = csv_rows("item,period,quantity,lots\nA,2026-01-05,1,\n")
    assert row.lots is None


@pytest.mark.parametrize("text", ["item,period,quantity\n", "\ufeffitem,period,quantity\r\n"])
def test_a_file_without_rows_is_no_row(text):
    assert csv_rows(text) == []


def test_mark_and_line_ends_of_spreadsheets_are_read():
    assert [row.item for row in csv_rows("\ufeffitem,period,quantity\r\nA,2026-01-05,1\nB,2026-01-05,2\r\n")] == [
        "A",
        "B",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "item;period;quantity\nA;2026-01-05;1\n",
        "item,period,quantity,quantity\nA,2026-01-05,1,2\n",
        "item,period,qty\nA,2026-01-05,1\n",
        "item,period,quantity\nA,2026-01-05\n",
        "item,period,quantity\nA,2026-01-05,1,2\n",
        'item,period,quantity\n"A,2026-01-05,1\n',
        b"item,period,quantity\n\xff,2026-01-05,1\n",
    ],
    ids=[
        "empty",
        "semicolons",
        "column twice",
        "unknown column",
        "cell missing",
        "cell too many",
        "open quote",
        "not UTF-8",
    ],
)
def test_a_file_that_is_no_such_table_is_refused(text):
    with pytest.raises(Unprocessable):
        csv_rows(text)


@pytest.mark.parametrize("cell", ["NaN", "inf", "1e999", "1,5", "0x10", "1_000", "", "-1", "\uff14"])
def test_a_cell_that_is_no_quantity_is_pointed_at(cell):
    quoted = f'"{cell}"'
    with pytest.raises(Unprocessable) as raised:
        csv_rows(f"item,period,quantity\nA,2026-01-05,1\nB,2026-01-05,{quoted}\n")
    assert [error["pointer"] for error in raised.value.errors] == ["#/1/quantity"]


def test_spreadsheet_serial_dates_are_refused():
    with pytest.raises(Unprocessable) as raised:
        csv_rows("item,period,quantity\nA,46027,1\n")
    assert raised.value.errors[0]["pointer"] == "#/0/period"


def test_one_row_may_come_without_a_list():
    assert len(json_rows('{"item": "A", "period": "2026-01-05", "quantity": 1}')) == 1


def test_text_is_no_number_in_json_though_it_is_in_csv():
    with pytest.raises(Unprocessable):
        json_rows('[{"item": "A", "period": "2026-01-05", "quantity": "1"}]')


def test_too_many_rows_are_refused(monkeypatch):
    monkeypatch.setattr(tabular, "MOST_ROWS", 1)
    with pytest.raises(Problem) as raised:
        csv_rows("item,period,quantity\nA,2026-01-05,1\nB,2026-01-05,1\n")
    assert raised.value.status == 413


def test_rows_with_one_key_are_named():
    with pytest.raises(Unprocessable) as raised:
        tabular.reject_duplicates(["a", "b", "a"], key=str)
    assert [error["pointer"] for error in raised.value.errors] == ["#/0", "#/2"]


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"]), min_size=1, max_size=20),
            st.floats(0, 1e15).map(lambda value: value + 0.0),
        ),
        max_size=5,
    )
)
def test_json_and_csv_of_the_same_rows_read_the_same(rows):
    sink = io.StringIO(newline="")
    writer = csv.writer(sink)
    writer.writerow(["item", "period", "quantity"])
    writer.writerows([[item, "2026-01-05", repr(quantity)] for item, quantity in rows])
    listed = [{"item": item, "period": "2026-01-05", "quantity": quantity} for item, quantity in rows]
    assert csv_rows(sink.getvalue()) == json_rows(json.dumps(listed))
