"""Columns from buffers are what pyarrow itself would make, and what PostgreSQL sends is read as it was stored."""

import datetime
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared import columns

INSTANTS = st.datetimes(timezones=st.just(datetime.UTC))
COLUMNS = [
    (pa.string(), st.text() | st.none()),
    (pa.float64(), st.floats(allow_nan=False)),
    (pa.date32(), st.dates()),
    (pa.bool_(), st.booleans()),
    (columns.INSTANT, INSTANTS),
]


@pytest.mark.parametrize(("kind", "cells"), COLUMNS, ids=[str(kind) for kind, _ in COLUMNS])
@settings(deadline=None)  # the first instant loads the time zones
@given(data=st.data())
def test_a_column_holds_its_values(kind, cells, data):
    values = data.draw(st.lists(cells, max_size=40))
    made = columns.MAKERS[kind](values)
    made.validate(full=True)
    assert made.type == kind
    assert made.to_pylist() == values


def test_dates_before_the_epoch():
    assert columns.dates([datetime.date(1969, 12, 31)]).to_pylist() == [datetime.date(1969, 12, 31)]


@given(st.lists(st.text(), max_size=9), st.integers(0, 4))
def test_codes_are_repeated_in_place_and_dates_cycle(codes, times):
    made = columns.repeated(codes, times)
    made.validate(full=True)
    assert made.to_pylist() == [code for code in codes for _ in range(times)]
    days = [datetime.date(1960, 1, 1), datetime.date(2024, 2, 29)]
    assert columns.cycled(days, times).to_pylist() == days * times


@dataclass
class Arrays:
    """PostgreSQL's own bytes of arrays."""

    cursor: Any

    def of(self, *values):
        self.cursor.execute("SELECT array_send(%s::float8[]) FROM generate_series(1, 1)", [list(values)])
        return self.cursor.fetchone()[0]


@pytest.fixture
def arrays(server):
    with psycopg.connect(server.admin) as connection, connection.cursor(binary=True) as cursor:
        yield Arrays(cursor)


def test_arrays_come_as_a_matrix(arrays):
    rows = [(0.1, -0.0, 1e300), (5e-324, 7.0, float("inf"))]
    found = columns.matrix([arrays.of(*row) for row in rows], 3)
    assert found.dtype == np.float64
    assert found.tolist() == [list(row) for row in rows]


@pytest.mark.parametrize("values", [(), (1.0,), (1.0, 2.0, 3.0, 4.0), (1.0, None, 2.0)])
def test_an_array_of_another_length_or_with_a_null_is_refused(arrays, values):
    with pytest.raises(ValueError, match="does not hold 3 numbers"):
        columns.matrix([arrays.of(1.0, 2.0, 3.0), arrays.of(*values)], 3)
